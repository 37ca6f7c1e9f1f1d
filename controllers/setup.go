package controllers

import (
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/apply"
	"github.com/invigil/invigil/controllers/issuer"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/sessions"
)

const (
	// workers is how many Exams are reconciled at a time.
	workers = 4
	// minBackOff and maxBackOff bound how soon a failed pass is repeated.
	minBackOff = 200 * time.Millisecond
	maxBackOff = 30 * time.Second
)

// Options of the operator.
type Options struct {
	Images           manifests.Images
	ManagerNamespace string
	// MetricsNamespace is from where the metrics of exams' pods are reached, beyond
	// the operator's own; empty: nowhere.
	MetricsNamespace string
	Sessions         sessions.Options
	// IssuerGet reads the token issuer's pages. Default: from the API server.
	IssuerGet issuer.Getter
	// IssuerInterval is how often it does. Default: 10 minutes.
	IssuerInterval time.Duration
	// Clock is what exams begin and end by, and what wakes the reconciler. Default:
	// the machine's.
	Clock clock.WithTicker
}

// CacheOptions are what the manager's cache holds: the operator's own objects,
// whatever else is in the cluster.
func CacheOptions() cache.Options {
	own := cache.ByObject{Label: labels.SelectorFromSet(labels.Set{manifests.LabelManagedBy: examv1alpha1.FieldOwner})}

	return cache.Options{
		// Nobody here reads who wrote which field, and it is half of an object.
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&appsv1.Deployment{}:            own,
			&appsv1.StatefulSet{}:           own,
			&batchv1.Job{}:                  own,
			&corev1.ConfigMap{}:             own,
			&corev1.PersistentVolumeClaim{}: own,
			&corev1.Pod{}:                   own,
			&corev1.Secret{}:                own,
			&corev1.Service{}:               own,
			&examv1alpha1.ExamSession{}:     own,
			&networkingv1.NetworkPolicy{}:   own,
			&corev1.ServiceAccount{}:        own,
			&policyv1.PodDisruptionBudget{}: own,
			&rbacv1.Role{}:                  own,
			&corev1.Node{}:                  {Transform: onlyAddresses},
		},
	}
}

// onlyAddresses keeps of a node what is read: a node lists every image it holds.
func onlyAddresses(object any) (any, error) {
	node, ok := object.(*corev1.Node)
	if !ok {
		return object, nil
	}

	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: node.Name, UID: node.UID, ResourceVersion: node.ResourceVersion},
		Status:     corev1.NodeStatus{Addresses: node.Status.Addresses},
	}, nil
}

// Setup adds the operator to a manager that was made with CacheOptions.
func Setup(mgr ctrl.Manager, options Options) error {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}

	// Rosters and TURN secrets are in other people's Secrets. Of those only the metadata is kept.
	secrets, err := cache.New(mgr.GetConfig(), cache.Options{
		Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(), HTTPClient: mgr.GetHTTPClient(),
		DefaultTransform: onlyIdentity,
	})
	if err != nil {
		return fmt.Errorf("make cache of Secrets: %w", err)
	}

	if err := mgr.Add(secrets); err != nil {
		return fmt.Errorf("add cache of Secrets: %w", err)
	}

	watchers := sessions.New(mgr.GetClient(), options.Sessions)
	if err := mgr.Add(watchers); err != nil {
		return fmt.Errorf("add session watchers: %w", err)
	}

	tokens, err := watchIssuer(mgr, options)
	if err != nil {
		return err
	}

	reconciler := &Reconciler{
		Client:           mgr.GetClient(),
		Live:             mgr.GetAPIReader(),
		Secrets:          secrets,
		Applier:          apply.New(mgr.GetClient(), mgr.GetAPIReader()),
		Sessions:         watchers,
		Issuer:           tokens,
		Events:           mgr.GetEventRecorder("invigil-manager"),
		Images:           options.Images,
		ManagerNamespace: options.ManagerNamespace,
		MetricsNamespace: options.MetricsNamespace,
		Clock:            options.Clock,
	}

	return reconciler.watch(mgr, secrets, options.Clock)
}

func onlyIdentity(object any) (any, error) {
	if meta, ok := object.(*metav1.PartialObjectMetadata); ok {
		meta.Annotations, meta.Labels, meta.ManagedFields, meta.OwnerReferences = nil, nil, nil, nil
	}

	return object, nil
}

func (r *Reconciler) watch(mgr ctrl.Manager, secrets cache.Cache, wakes clock.WithTicker) error {
	anySecret := &metav1.PartialObjectMetadata{}
	anySecret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))

	users := func(ctx context.Context, secret *metav1.PartialObjectMetadata) []reconcile.Request {
		return r.examsWithSecret(ctx, secret)
	}

	err := ctrl.NewControllerManagedBy(mgr).
		Named("exam").
		// Status and metadata of the Exam are ours; deletion counts as a generation.
		For(&examv1alpha1.Exam{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Owns(&appsv1.Deployment{}).
		Owns(&appsv1.StatefulSet{}).
		Owns(&batchv1.Job{}).
		Owns(&corev1.ConfigMap{}).
		Owns(&corev1.Secret{}).
		Owns(&corev1.Service{}).
		Owns(&corev1.ServiceAccount{}).
		Owns(&networkingv1.NetworkPolicy{}).
		Owns(&policyv1.PodDisruptionBudget{}).
		Owns(&rbacv1.Role{}).
		Watches(&corev1.PersistentVolumeClaim{}, handler.EnqueueRequestsFromMapFunc(examOf)).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(examOf)).
		Watches(&corev1.Node{}, handler.EnqueueRequestsFromMapFunc(r.examsOnNode), builder.WithPredicates(addressesChanged())).
		Watches(&examv1alpha1.ExamSession{}, gathered()).
		WatchesRawSource(source.Kind(secrets, anySecret, handler.TypedEnqueueRequestsFromMapFunc(users))).
		WatchesRawSource(source.Channel(r.Sessions.Changes(), &handler.EnqueueRequestForObject{})).
		WatchesRawSource(source.Channel(r.Issuer.Changes(), &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: workers,
			RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](
				minBackOff, maxBackOff),
			NewQueue: queueBy(wakes),
		}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("set up controller: %w", err)
	}

	return nil
}

// newQueue makes the queue of a controller.
type newQueue = func(string, workqueue.TypedRateLimiter[reconcile.Request]) queue

// queueBy makes a queue that waits by the given clock; nil, which is
// controller-runtime's own, for the machine's.
func queueBy(wakes clock.WithTicker) newQueue {
	if _, machine := wakes.(clock.RealClock); machine {
		return nil
	}

	return func(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) queue {
		return workqueue.NewTypedRateLimitingQueueWithConfig(limiter,
			workqueue.TypedRateLimitingQueueConfig[reconcile.Request]{Name: name, Clock: wakes})
	}
}

// examOf is the Exam that an object names in its label.
func examOf(_ context.Context, object client.Object) []reconcile.Request {
	name := object.GetLabels()[examv1alpha1.LabelExam]
	if name == "" {
		return nil
	}

	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace(), Name: name}}}
}

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// gathered wakes the Exam a moment after a session changed, so that a burst of
// changes costs one computation and one write of its status.
func gathered() handler.EventHandler {
	later := func(ctx context.Context, object client.Object, queue queue) {
		for _, request := range examOf(ctx, object) {
			queue.AddAfter(request, sessionDelay)
		}
	}

	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, queue queue) {
			later(ctx, e.Object, queue)
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, queue queue) {
			later(ctx, e.ObjectNew, queue)
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, queue queue) {
			later(ctx, e.Object, queue)
		},
	}
}

// addressesChanged lets only those changes of nodes pass that shards are made of.
func addressesChanged() predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, okBefore := e.ObjectOld.(*corev1.Node)
			after, okAfter := e.ObjectNew.(*corev1.Node)

			return okBefore && okAfter && !equality.Semantic.DeepEqual(before.Status.Addresses, after.Status.Addresses)
		},
	}
}

// examsOnNode are the Exams that have pods on the node.
func (r *Reconciler) examsOnNode(ctx context.Context, node client.Object) []reconcile.Request {
	pods := &corev1.PodList{}
	if err := r.Client.List(ctx, pods, client.UnsafeDisableDeepCopy); err != nil {
		return nil
	}

	var requests []reconcile.Request

	for i := range pods.Items {
		if pods.Items[i].Spec.NodeName == node.GetName() {
			requests = append(requests, examOf(ctx, &pods.Items[i])...)
		}
	}

	return requests
}

// examsWithSecret are the Exams whose roster, or TURN server's secret, is in the
// Secret.
func (r *Reconciler) examsWithSecret(ctx context.Context, secret client.Object) []reconcile.Request {
	exams := &examv1alpha1.ExamList{}
	if err := r.Client.List(ctx, exams, client.InNamespace(secret.GetNamespace()), client.UnsafeDisableDeepCopy); err != nil {
		return nil
	}

	var requests []reconcile.Request

	for i := range exams.Items {
		if readsSecret(&exams.Items[i], secret.GetName()) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&exams.Items[i])})
		}
	}

	return requests
}

func readsSecret(exam *examv1alpha1.Exam, name string) bool {
	if ref := exam.Spec.Roster.SecretRef; ref != nil && ref.Name == name {
		return true
	}

	return slices.ContainsFunc(exam.Spec.Media.IceServers, func(server examv1alpha1.IceServer) bool {
		return server.SecretRef != nil && server.SecretRef.Name == name
	})
}
