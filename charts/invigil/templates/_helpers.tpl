{{/* Labels of every object. The pods' own are the selector's: an instance's name on them
     would put the operator under the network policies of an exam of that name. */}}
{{- define "invigil.labels" -}}
app.kubernetes.io/name: invigil
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- end }}

{{/* An image: list, root, name. */}}
{{- define "invigil.image" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}
{{- get $root.Values.images $name | default (printf "%s/%s:%s" $root.Values.images.registry $name $root.Chart.AppVersion) }}
{{- end }}

{{/* The objects of a file that `make generate` copies from config/, in the release's
     namespace and with the chart's labels. Dict: root, file; labels and annotations, if
     there are more. */}}
{{- define "invigil.objects" -}}
{{- $root := .root }}{{ $labels := .labels }}{{ $annotations := .annotations }}
{{- range splitList "\n---\n" ($root.Files.Get .file) }}
{{- $object := fromYaml . }}
{{- $meta := $object.metadata }}
{{- if $meta.namespace }}{{ $_ := set $meta "namespace" $root.Release.Namespace }}{{ end }}
{{- range $object.subjects }}{{ $_ := set . "namespace" $root.Release.Namespace }}{{ end }}
{{- $own := fromYaml (include "invigil.labels" $root) }}
{{- $_ := set $meta "labels" (merge $own (default dict $labels) (default dict $meta.labels)) }}
{{- with $annotations }}{{ $_ := set $meta "annotations" (merge . (default dict $meta.annotations)) }}{{ end }}
---
{{ toYaml $object }}
{{- end }}
{{- end }}
