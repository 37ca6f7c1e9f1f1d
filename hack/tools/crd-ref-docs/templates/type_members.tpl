{{- define "type_members" -}}
{{- if eq .Name "metadata" -}}
The standard object's metadata.
{{- else -}}
{{ markdownRenderFieldDoc .Doc }}
{{- end -}}
{{- end -}}
