package controllers

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/outcome"
)

// parallelApplies bounds how many ExamSessions are made at a time: a roster of
// 5,000 takes seconds instead of a minute, and the API server keeps its breath.
const parallelApplies = 8

// applySessions makes one ExamSession per student. Of a student who was removed
// from the roster, a session that was never joined goes; one that was joined, or
// that somebody has terminated, stays with the Exam, as a record.
func (r *Reconciler) applySessions(ctx context.Context, p *pass) error {
	have := map[string]*examv1alpha1.ExamSession{}
	for i := range p.sessions {
		have[p.sessions[i].Name] = &p.sessions[i]
	}

	group, applyCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallelApplies)

	for _, student := range p.students {
		name := examv1alpha1.SessionName(p.exam.Name, student.ID)
		existing := have[name]
		delete(have, name)

		// The record of package apply is lost at a restart; thousands of sessions
		// need not be written again for that.
		if existing != nil && existing.Spec.Student == (examv1alpha1.SessionStudent{ID: student.ID, Name: student.Name}) {
			continue
		}

		group.Go(func() error { return r.Applier.Apply(applyCtx, p.exam, manifests.ExamSession(p.exam, student)) })
	}

	if err := group.Wait(); err != nil {
		return err
	}

	for _, removed := range have {
		if joined(removed) || removed.Status.State == examv1alpha1.SessionTerminated {
			continue
		}

		if err := r.deleteUnless(ctx, p.exam, removed.DeepCopy(), nil); err != nil {
			return err
		}
	}

	return nil
}

// listSessions fills p.sessions without copying thousands of objects; they are
// the cache's own.
func (r *Reconciler) listSessions(ctx context.Context, p *pass) error {
	list := &examv1alpha1.ExamSessionList{}

	err := r.Client.List(ctx, list, client.InNamespace(p.exam.Namespace),
		client.MatchingLabels{examv1alpha1.LabelExam: p.exam.Name}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return outcome.Transient(err, "list ExamSessions")
	}

	// An Exam of the same name may have left some that are being collected.
	p.sessions = slices.DeleteFunc(list.Items, func(session examv1alpha1.ExamSession) bool {
		return !metav1.IsControlledBy(&session, p.exam)
	})

	return nil
}

// joined says whether the student ever opened the exam.
func joined(session *examv1alpha1.ExamSession) bool {
	switch session.Status.State {
	case examv1alpha1.SessionJoined, examv1alpha1.SessionLive, examv1alpha1.SessionInterrupted:
		return true
	default:
		// Of the others, nobody need have joined: everybody's session finishes with the
		// exam, and an invigilator may pause or terminate whom they like.
		return session.Status.JoinTime != nil
	}
}

// watchSessions follows the exam's scoring service while there is one.
//
//nolint:contextcheck // a watcher outlives this pass; it ends with the manager or the exam
func (r *Reconciler) watchSessions(_ context.Context, p *pass) error {
	name := client.ObjectKeyFromObject(p.exam)

	switch {
	case p.deploy:
		r.Sessions.Watch(name, p.keys.Session)
	case p.tearsDown():
		// The status of this pass is made of what it said.
	default:
		r.Sessions.Forget(name)
	}

	return nil
}

// sessionDelay gathers changes of many sessions into one computation of the
// Exam's status.
const sessionDelay = time.Second
