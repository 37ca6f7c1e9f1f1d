// Package controllers is the operator: it turns an Exam into the objects of
// package manifests, sized and dated by package plan, and reports in its status
// what becomes of them. Package sessions brings the students' side in.
package controllers
