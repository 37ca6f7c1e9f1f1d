package controllers

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/sessions"
)

// watchlistLength is how many of the worst sessions the status names.
const watchlistLength = 20

// report writes the status when it has changed, and then tells the events.
func (r *Reconciler) report(ctx context.Context, p *pass, stopped error) error {
	exam := p.exam
	base := exam.DeepCopy()

	if p.sessions == nil {
		// A step before the sessions stopped the pass; what students do is still told.
		if err := r.listSessions(ctx, p); err != nil {
			return err
		}
	}

	view := r.Sessions.View(client.ObjectKeyFromObject(exam))

	exam.Status.ObservedGeneration = exam.Generation
	if p.planned {
		reportPlan(p)
		reportCourse(p, r.Clock.Now())
		reportShards(p, view)
		reportEvidence(p, view)
	}

	summarize(&exam.Status, p)
	setConditions(p, view, stopped, r.Clock.Now())
	examsByStatus.set(exam.UID, readyReason(exam.Status.Conditions))

	if !equality.Semantic.DeepEqual(base.Status, exam.Status) {
		err := r.Client.Status().Patch(ctx, exam, client.MergeFrom(base), client.FieldOwner(examv1alpha1.FieldOwner))
		if err != nil {
			return fmt.Errorf("write status: %w", client.IgnoreNotFound(err))
		}

		r.memory.wroteStatus(exam)
	}

	r.tell(p, base)

	return nil
}

// tell sends the events of a pass whose status is written.
func (r *Reconciler) tell(p *pass, before *examv1alpha1.Exam) {
	was, now := readyReason(before.Status.Conditions), p.exam.Status.Conditions

	if ready := meta.FindStatusCondition(now, examv1alpha1.ConditionReady); ready != nil && ready.Reason != was {
		kind := corev1.EventTypeNormal
		if ready.Reason == examv1alpha1.ReasonDegraded || meta.IsStatusConditionTrue(now, examv1alpha1.ConditionStalled) {
			kind = corev1.EventTypeWarning
		}

		p.events = append(p.events, pendingEvent{kind, ready.Reason, ready.Message})
	}

	p.events = append(p.events, sessionEvents(before.Status.Conditions, now)...)
	p.events = append(p.events, turnEvents(before.Status.Conditions, now)...)

	for _, event := range p.events {
		r.Events.Eventf(p.exam, nil, event.kind, event.reason, "Reconcile", "%s", event.message)
	}
}

// sessionEvents tells of a phase that Ready does not name.
func sessionEvents(before, now []metav1.Condition) []pendingEvent {
	was := meta.FindStatusCondition(before, examv1alpha1.ConditionInSession)
	is := meta.FindStatusCondition(now, examv1alpha1.ConditionInSession)

	if is == nil || was != nil && was.Reason == is.Reason || is.Reason == readyReason(now) {
		return nil
	}

	return []pendingEvent{{corev1.EventTypeNormal, is.Reason, is.Message}}
}

// turnEvents tells of what has come true: evidence that is in danger now, or sealed;
// a change that waits; a node that carries too much.
func turnEvents(before, now []metav1.Condition) []pendingEvent {
	var events []pendingEvent

	became := func(kind, level, reason string) {
		if c := meta.FindStatusCondition(now, kind); c != nil && c.Status == metav1.ConditionTrue &&
			!meta.IsStatusConditionTrue(before, kind) {
			events = append(events, pendingEvent{level, reason, c.Message})
		}
	}

	became(examv1alpha1.ConditionEvidenceFailing, corev1.EventTypeWarning, examv1alpha1.EventEvidenceFailing)
	became(examv1alpha1.ConditionUpdateHeld, corev1.EventTypeNormal, examv1alpha1.EventUpdateHeld)
	became(examv1alpha1.ConditionColocated, corev1.EventTypeWarning, examv1alpha1.EventColocated)
	became(examv1alpha1.ConditionEvidenceSealed, corev1.EventTypeNormal, examv1alpha1.ReasonSealed)

	return events
}

func readyReason(conditions []metav1.Condition) string {
	if ready := meta.FindStatusCondition(conditions, examv1alpha1.ConditionReady); ready != nil {
		return ready.Reason
	}

	return ""
}

func reportPlan(p *pass) {
	status, plan := &p.exam.Status, p.plan

	status.Plan = &examv1alpha1.Plan{
		Pods:           plan.Pods,
		Spares:         plan.Spares,
		StudentsPerPod: plan.StudentsPerPod,
		CPU:            resource.NewMilliQuantity(plannedMilliCPU(p), resource.DecimalSI),
		IngressKbps:    plan.IngressKbps,
	}
	status.Students.Enrolled = int32(len(p.students))
	status.URL = manifests.ScoringURL(p.exam.Namespace, p.exam.Name) + manifests.ExamPath(p.exam.Namespace, p.exam.Name)
	status.DashboardURL = status.URL + "wall"
}

// reportCourse writes the dates that count.
func reportCourse(p *pass, now time.Time) {
	status := &p.exam.Status
	status.StartTime = &metav1.Time{Time: p.course.Starts}
	status.EndTime = nil

	if !p.course.Ends.IsZero() {
		status.EndTime = &metav1.Time{Time: p.course.Ends}
	}

	if p.tearsDown() {
		status.TornDownTime = &metav1.Time{Time: now.Truncate(time.Second)}
	}
}

// plannedMilliCPU honours resources that the spec gives.
func plannedMilliCPU(p *pass) int64 {
	given := p.exam.Spec.Media.Resources
	if given == nil {
		return p.plan.MilliCPU()
	}

	return int64(p.plan.Pods) * given.Requests.Cpu().MilliValue()
}

func reportShards(p *pass, view sessions.View) {
	status := &p.exam.Status
	status.Shards = nil
	ready := 0

	streaming := map[string]int{}
	for _, health := range view.Shards {
		streaming[health.Name] = health.Streaming
	}

	for _, shard := range p.shards {
		line := examv1alpha1.ShardStatus{Name: shard.Name, Ready: shard.ready, Streaming: int32(streaming[shard.Name])}
		if len(shard.Addresses) > 0 {
			line.Address = net.JoinHostPort(shard.Addresses[0].IP, strconv.Itoa(int(shard.Addresses[0].Port)))
		}

		if shard.ready {
			ready++
		}

		status.Shards = append(status.Shards, line)
	}

	status.ShardsReady = fmt.Sprintf("%d/%d", ready, p.plan.Pods)
}

// summarize computes counts, scores, violations and the watchlist from the
// sessions of enrolled students.
func summarize(status *examv1alpha1.ExamStatus, p *pass) {
	enrolled := map[string]bool{}
	for _, student := range p.students {
		enrolled[student.ID] = true
	}

	counts := examv1alpha1.StudentCounts{Enrolled: status.Students.Enrolled}
	scores := examv1alpha1.ScoreSummary{}
	violations := map[examv1alpha1.ViolationType]int64{}

	var (
		sum       int64
		watchlist []examv1alpha1.WatchlistEntry
	)

	for i := range p.sessions {
		session := &p.sessions[i]
		// Without a roster (it cannot be read just now) every session counts.
		if p.students != nil && !enrolled[session.Spec.Student.ID] {
			continue
		}

		count(&counts, session)
		scores.Highest = max(scores.Highest, session.Status.Score)

		if joined(session) {
			sum += int64(session.Status.Score)
		}

		for _, violation := range session.Status.Violations {
			violations[violation.Type] += int64(violation.Count)
		}

		if session.Status.Score > 0 {
			watchlist = append(watchlist, examv1alpha1.WatchlistEntry{
				Student: session.Spec.Student.ID, Session: session.Name,
				Score: session.Status.Score, Level: session.Status.Level,
			})
		}
	}

	if counts.Joined > 0 {
		scores.Mean = int32(sum / int64(counts.Joined))
	}

	slices.SortFunc(watchlist, func(a, b examv1alpha1.WatchlistEntry) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Student, b.Student))
	})

	status.Students, status.Scores = counts, scores
	status.Watchlist = watchlist[:min(len(watchlist), watchlistLength)]
	status.Violations = totals(violations)
}

func count(counts *examv1alpha1.StudentCounts, session *examv1alpha1.ExamSession) {
	add := func(to *int32, when bool) {
		if when {
			*to++
		}
	}

	state, level := session.Status.State, session.Status.Level
	add(&counts.Joined, joined(session))
	add(&counts.Streaming, session.Status.Streaming)
	add(&counts.Interrupted, state == examv1alpha1.SessionInterrupted)
	add(&counts.Finished, state == examv1alpha1.SessionFinished || state == examv1alpha1.SessionTerminated)
	add(&counts.Flagged, level == examv1alpha1.LevelSuspicious || level == examv1alpha1.LevelCritical)
}

// totals lists the violations by type, in a fixed order.
func totals(violations map[examv1alpha1.ViolationType]int64) []examv1alpha1.ViolationTotal {
	var list []examv1alpha1.ViolationTotal

	for kind, count := range violations {
		if count > 0 {
			list = append(list, examv1alpha1.ViolationTotal{Type: kind, Count: count})
		}
	}

	slices.SortFunc(list, func(a, b examv1alpha1.ViolationTotal) int { return cmp.Compare(a.Type, b.Type) })

	return list
}
