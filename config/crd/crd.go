// Package crd holds the API's schema for programs that read an Exam without a
// cluster.
package crd

import _ "embed" // the schema

// Exams is the CustomResourceDefinition of Exams, as YAML.
//
//go:embed bases/exam.invigil.dev_exams.yaml
var Exams []byte
