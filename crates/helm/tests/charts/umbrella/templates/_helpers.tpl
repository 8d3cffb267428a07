{{- define "umbrella.name" -}}
{{ .Chart.Name }}-{{ .Release.Name | trunc 20 }}
{{- end }}
{{- define "shared" }}parent{{ end }}
{{- define "blank" }}   {{/* nothing */}}  {{ end }}
