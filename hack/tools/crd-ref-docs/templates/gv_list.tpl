{{- define "gvList" -}}
<!-- Generated from the Go types by `make api-docs`; edit those. -->
# API reference
{{ range . }}
{{ template "gvDetails" . }}
{{- end }}
{{- end -}}
