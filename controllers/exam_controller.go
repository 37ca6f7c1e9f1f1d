package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/apply"
	"github.com/invigil/invigil/controllers/course"
	"github.com/invigil/invigil/controllers/issuer"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/outcome"
	"github.com/invigil/invigil/controllers/plan"
	"github.com/invigil/invigil/controllers/sessions"
	"github.com/invigil/invigil/internal/wire"
)

// The operator's rights, alphabetical. Nothing of a kind that it does not make
// is written, but for pods: an annotation on running ones makes the kubelet
// refresh their files at once. It makes no token: it has that right since nobody
// may put a right into a Role that they have not.
//
// +kubebuilder:rbac:groups="",resources=configmaps;secrets;services,verbs=create;delete;get;list;patch;watch
// +kubebuilder:rbac:groups="",resources=nodes,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=create;delete;get;list;patch;watch
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;patch;watch
// +kubebuilder:rbac:groups="",resources=serviceaccounts,verbs=create;get;list;patch;watch
// +kubebuilder:rbac:groups="",resources=serviceaccounts/token,verbs=create
// +kubebuilder:rbac:groups=apps,resources=deployments;statefulsets,verbs=create;delete;get;list;patch;watch
// +kubebuilder:rbac:groups=batch,resources=jobs,verbs=create;get;list;patch;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=exam.invigil.dev,resources=exams,verbs=get;list;patch;watch
// +kubebuilder:rbac:groups=exam.invigil.dev,resources=exams/finalizers,verbs=update
// +kubebuilder:rbac:groups=exam.invigil.dev,resources=exams/status;examsessions/status,verbs=patch
// +kubebuilder:rbac:groups=exam.invigil.dev,resources=examsessions,verbs=create;delete;get;list;patch;watch
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=create;get;list;patch;watch
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=create;delete;get;list;patch;watch
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=roles,verbs=create;get;list;patch;watch
// +kubebuilder:rbac:urls=/.well-known/openid-configuration;/openid/v1/jwks,verbs=get

// Reconciler reconciles Exams.
type Reconciler struct {
	// Client reads from the cache, which holds what carries the operator's label.
	Client client.Client
	// Live reads from the API server.
	Live client.Reader
	// Secrets reads the metadata of everybody's Secrets from a cache.
	Secrets  client.Reader
	Applier  *apply.Applier
	Sessions *sessions.Watchers
	Issuer   *issuer.Watcher
	Events   events.EventRecorder
	Images   manifests.Images
	// ManagerNamespace is where the operator runs.
	ManagerNamespace string
	// MetricsNamespace is from where exams' metrics may be read; empty: nowhere else.
	MetricsNamespace string
	Clock            clock.PassiveClock

	memory memory
}

// pass is one run over one Exam: each step adds what the next ones need.
type pass struct {
	exam     *examv1alpha1.Exam
	students []examv1alpha1.Student
	// course is where the exam stands, by what was asked and what is known.
	course course.Course
	asked  course.Spec
	known  course.Known
	plan   plan.Plan
	// planned is true once the plan is made: before, the status keeps the last.
	planned bool
	// deploy says whether the exam's pods belong in the cluster.
	deploy bool

	keys *manifests.Keys
	// invigilators is how scoring checks who watches.
	invigilators *wire.Invigilators
	iceServers   []wire.IceServerConfig
	evidence     evidence
	// purged is when a Job has deleted the pictures; nil for not in this pass.
	purged *metav1.Time
	pods   map[string]*corev1.Pod
	// held are the workloads whose new template waits; compared counts those that
	// this pass has looked at.
	held     []string
	compared int
	shards   []shard
	// contents are the hashes of mounted configuration, by component.
	contents map[string]string
	// sessions come from the cache and are not to be changed.
	sessions []examv1alpha1.ExamSession

	events []pendingEvent
	// stall is the first thing that somebody has to put right. What does not
	// depend on it is brought up to date all the same.
	stall *outcome.StalledError
}

// stalled remembers the first stall.
func (p *pass) stalled(err *outcome.StalledError) {
	if p.stall == nil {
		p.stall = err
	}
}

// tearsDown says whether this pass decides that the exam is torn down. The next
// one does it.
func (p *pass) tearsDown() bool { return p.course.Phase == course.TornDown && !p.known.TornDown }

// pendingEvent is sent once the status that it tells of has been written.
type pendingEvent struct {
	kind, reason, message string
}

func (p *pass) input(r *Reconciler) manifests.Input {
	return manifests.Input{
		Exam: p.exam, Course: p.course, Plan: p.plan, Students: p.students, Invigilators: p.invigilators,
		IceServers: p.iceServers, Evidence: p.evidence.recorded, Images: r.Images,
		ManagerNamespace: r.ManagerNamespace, MetricsNamespace: r.MetricsNamespace,
	}
}

type step struct {
	name string
	run  func(context.Context, *pass) error
	// first: the steps after it need what it finds out.
	first bool
}

// steps are the reconciler's course. Each may stop with an error of package
// outcome. A stall of one of the first steps ends the pass; a stall of another
// does not keep the rest of a running exam from being looked after.
func (r *Reconciler) steps() []step {
	return []step{
		{"roster", r.readRoster, true},
		{"course", r.followCourse, true},
		{"plan", r.makePlan, true},
		{"keys", r.ensureKeys, true},
		{"sessions", r.applySessions, false},
		{"links", r.applyLinks, false},
		{"invigilators", r.applyInvigilators, false},
		{"ice servers", r.readIceServers, false},
		{"evidence", r.applyEvidence, false},
		{"config", r.applyConfig, false},
		{"pods", r.listPods, false},
		{"network", r.applyNetwork, false},
		{"disruption", r.applyDisruption, false},
		{"store", r.applyStore, false},
		{"shards", r.applyShards, false},
		{"media", r.applyMedia, false},
		{"scoring", r.applyScoring, false},
		{"refresh", r.refreshPods, false},
		{"prune", r.prune, false},
		{"watch", r.watchSessions, false},
		{"teardown", r.tearDown, false},
		{"purge", r.purge, false},
	}
}

// Reconcile brings one Exam towards its spec and its status towards the truth.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	exam := &examv1alpha1.Exam{}
	if err := r.Client.Get(ctx, req.NamespacedName, exam); err != nil {
		if apierrors.IsNotFound(err) {
			r.forget(req.NamespacedName)
		}

		return ctrl.Result{}, client.IgnoreNotFound(err)
	}

	r.memory.recallStatus(exam)

	if !exam.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, r.finalize(ctx, exam)
	}

	if err := r.ensureFinalizer(ctx, exam); err != nil {
		return ctrl.Result{}, err
	}

	p := &pass{exam: exam, contents: map[string]string{}}
	stopped := r.run(ctx, p)

	// The status is written whatever stopped the steps: it says what did.
	if err := r.report(ctx, p, stopped); err != nil {
		return ctrl.Result{}, err
	}

	return r.next(p, stopped)
}

func (r *Reconciler) run(ctx context.Context, p *pass) error {
	for _, step := range r.steps() {
		err := step.run(ctx, p)

		var stalled *outcome.StalledError

		switch {
		case err == nil:
		case errors.As(err, &stalled) && !step.first:
			p.stalled(stalled)
		default:
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}

	if p.stall != nil {
		return p.stall
	}

	return nil
}

// next says when to look again: at the course's next edge, or earlier for what
// stopped the steps. An error that is none of package outcome's is transient.
func (r *Reconciler) next(p *pass, stopped error) (ctrl.Result, error) {
	var result ctrl.Result

	// A timer may fire a moment early by the wall clock.
	const late = 10 * time.Millisecond

	switch {
	case p.planned && p.tearsDown():
		// Now that the status says so, the next pass deletes.
		result.RequeueAfter = late
	case p.planned && !p.course.NextEdge.IsZero():
		result.RequeueAfter = max(p.course.NextEdge.Sub(r.Clock.Now()), 0) + late
	}

	earlier := func(d time.Duration) {
		if d > 0 && (result.RequeueAfter == 0 || d < result.RequeueAfter) {
			result.RequeueAfter = d
		}
	}

	var (
		stalled *outcome.StalledError
		waiting *outcome.WaitingError
	)

	switch {
	case stopped == nil:
		return result, nil
	case errors.As(stopped, &stalled):
		earlier(stalled.Recheck)

		return result, nil
	case errors.As(stopped, &waiting):
		earlier(waiting.After)

		return result, nil
	case apierrors.IsConflict(stopped):
		// Somebody wrote in between, most likely we ourselves; look again.
		earlier(time.Second)

		return result, nil
	default:
		return ctrl.Result{}, stopped
	}
}

func (r *Reconciler) ensureFinalizer(ctx context.Context, exam *examv1alpha1.Exam) error {
	base := exam.DeepCopy()
	if !controllerutil.AddFinalizer(exam, examv1alpha1.FinalizerExam) {
		return nil
	}

	if err := r.patchFinalizers(ctx, exam, base); err != nil {
		return fmt.Errorf("add finalizer: %w", err)
	}

	return nil
}

// patchFinalizers writes the list of finalizers, unless the Exam has changed.
func (r *Reconciler) patchFinalizers(ctx context.Context, exam, base *examv1alpha1.Exam) error {
	status := exam.Status
	patch := client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})
	err := r.Client.Patch(ctx, exam, patch, client.FieldOwner(examv1alpha1.FieldOwner))
	// The answer holds the stored status, which may be behind what is known.
	exam.Status = status

	return err
}

func (r *Reconciler) forget(name types.NamespacedName) {
	r.Sessions.Forget(name)

	for _, uid := range r.memory.forget(name) {
		r.Applier.Forget(uid)
		examsByStatus.drop(uid)
	}
}
