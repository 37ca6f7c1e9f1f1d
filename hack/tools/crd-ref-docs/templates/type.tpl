{{- define "type" -}}
{{- $type := . -}}
{{- if markdownShouldRenderType $type }}

### {{ $type.Name }}

{{ $type.Doc }}
{{- if $type.References }}

Part of
{{- range $i, $ref := $type.SortedReferences }}{{ if $i }},{{ end }} {{ markdownRenderTypeLink $ref }}{{ end }}.
{{- end }}
{{- if $type.Members }}

| Field | Description | Default | Rules |
| --- | --- | --- | --- |
{{- if $type.GVK }}
| `apiVersion` _string_ | `{{ $type.GVK.Group }}/{{ $type.GVK.Version }}` | | |
| `kind` _string_ | `{{ $type.GVK.Kind }}` | | |
{{- end }}
{{- range $type.Members }}
| `{{ .Name }}` _{{ markdownRenderType .Type }}_ | {{ template "type_members" . }} | {{ markdownRenderDefault .Default }} | {{ template "rules" .Validation }} |
{{- end }}
{{- end }}
{{- if $type.EnumValues }}

| Value | Meaning |
| --- | --- |
{{- range $type.EnumValues }}
| `{{ .Name }}` | {{ markdownRenderFieldDoc .Doc }} |
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Optional is what a field is unless it says otherwise; every field has a type. */ -}}
{{- define "rules" -}}
{{- $first := true -}}
{{- range . -}}
{{- if and (ne . "Optional: {}") (ne . "Type: string") -}}
{{- if not $first }}<br />{{ end -}}
{{- if eq . "Required: {}" }}required{{ else }}{{ markdownRenderFieldDoc . }}{{ end -}}
{{- $first = false -}}
{{- end -}}
{{- end -}}
{{- end -}}
