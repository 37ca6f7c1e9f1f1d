// Package sessions brings what scoring knows of an exam's students into
// Kubernetes. One watcher per exam long-polls scoring and writes ExamSession
// status: a change of state, streaming or level at once, all else seldom, and
// never more than a bounded rate, so that scores do not stream through etcd.
//
// Knowledge goes one way: scoring -> ExamSessions -> Exam. The Exam's status is
// computed from ExamSessions by the reconciler, which this package only wakes.
package sessions
