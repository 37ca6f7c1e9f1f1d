// Package apply brings an Exam's children into the cluster by server-side
// apply, with one field owner for all of them. It refuses objects of others,
// and asks the API server for nothing when nothing changed.
//
// For each child it remembers a hash of what it applied last and what the API
// server answered. While the wish hashes the same and the child in the cache is
// still that answer, there is nothing to do; a child that drifted is applied
// again.
package apply

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/outcome"
)

// recheck is when a refusal is looked at again: nothing is watched that would
// tell that a stranger's object or a quota has gone.
const recheck = 15 * time.Second

// leaving is when to look again for a predecessor's object that is being
// collected.
const leaving = 2 * time.Second

// Object is an apply configuration with a name.
type Object interface {
	runtime.ApplyConfiguration

	GetAPIVersion() *string
	GetKind() *string
	GetNamespace() *string
	GetName() *string
}

// Applier applies and remembers. It is safe for concurrent use.
type Applier struct {
	client client.Client
	live   client.Reader

	mu      sync.Mutex
	records map[childKey]record
}

// New returns an Applier. client reads from a cache that holds the operator's
// own objects; live reads from the API server and sees everybody's.
func New(client client.Client, live client.Reader) *Applier {
	return &Applier{client: client, live: live, records: map[childKey]record{}}
}

type childKey struct {
	owner types.UID
	gvk   schema.GroupVersionKind
	name  types.NamespacedName
}

// record is what was asked for last, and what the API server made of it.
type record struct {
	wish [sha256.Size]byte
	got  metav1.PartialObjectMetadata
}

// Apply applies each object, which must carry owner's controller reference, in
// order. Errors: outcome.StalledError for a stranger's object or a refusal,
// outcome.TransientError for what may go well the next time.
func (a *Applier) Apply(ctx context.Context, owner client.Object, objects ...Object) error {
	ours := func(live client.Object) bool { return metav1.IsControlledBy(live, owner) }

	for _, object := range objects {
		if err := a.applyOne(ctx, owner, object, ours); err != nil {
			return err
		}
	}

	return nil
}

// ApplyKept applies an object that has no owner, since it outlives the one that it
// is made for. It is ours by the operator's label and the Exam's name, so that an
// Exam takes over what an earlier one of its name has left.
func (a *Applier) ApplyKept(ctx context.Context, owner client.Object, object Object) error {
	return a.applyOne(ctx, owner, object, func(live client.Object) bool { return Kept(live, owner) })
}

// Kept says whether the object was applied by ApplyKept for an Exam of that name.
func Kept(live, owner client.Object) bool {
	return live.GetLabels()[examv1alpha1.LabelExam] == owner.GetName() &&
		live.GetLabels()["app.kubernetes.io/managed-by"] == examv1alpha1.FieldOwner &&
		metav1.GetControllerOf(live) == nil
}

// Forget drops what is remembered of a deleted owner's children.
func (a *Applier) Forget(owner types.UID) {
	a.mu.Lock()
	defer a.mu.Unlock()

	maps.DeleteFunc(a.records, func(key childKey, _ record) bool { return key.owner == owner })
}

func (a *Applier) applyOne(ctx context.Context, owner client.Object, object Object, ours func(client.Object) bool) error {
	key := keyOf(owner, object)

	body, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}

	wish := sha256.Sum256(body)

	live, err := a.find(ctx, key)
	if err != nil {
		return err
	}

	if live != nil && !ours(live) {
		return notOurs(key, owner, live)
	}

	a.mu.Lock()
	last, known := a.records[key]
	a.mu.Unlock()

	if live != nil && known && last.wish == wish && unchanged(last.got, live, body) {
		return nil
	}

	return a.write(ctx, key, object, wish)
}

// notOurs tells a stranger's object from one of an Exam of the same name that
// was deleted a moment ago, which Kubernetes is still collecting.
func notOurs(key childKey, owner, live client.Object) error {
	controller := metav1.GetControllerOf(live)
	if controller != nil && controller.Name == owner.GetName() && controller.Kind == "Exam" {
		return outcome.Waiting(leaving, "%s of a deleted Exam of this name is still being removed", key)
	}

	return outcome.Stalled(examv1alpha1.ReasonObjectNotOwned,
		"%s exists and was not made for this Exam; delete or rename it", key).RecheckAfter(recheck)
}

func (a *Applier) write(ctx context.Context, key childKey, object Object, wish [sha256.Size]byte) error {
	err := a.client.Apply(ctx, object, client.FieldOwner(examv1alpha1.FieldOwner), client.ForceOwnership)
	applied.WithLabelValues(key.gvk.Kind).Inc()

	if err != nil {
		a.forget(key)

		return refusal(err, key)
	}

	// The API server's answer was read into object.
	answer, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}

	record := record{wish: wish}
	if err := json.Unmarshal(answer, &record.got); err != nil {
		return fmt.Errorf("read back %s: %w", key, err)
	}

	record.got.ManagedFields = nil

	a.mu.Lock()
	a.records[key] = record
	a.mu.Unlock()

	return nil
}

func (a *Applier) forget(key childKey) {
	a.mu.Lock()
	defer a.mu.Unlock()

	delete(a.records, key)
}

// find returns the child in the cluster, or nil. The cache holds only what
// carries the operator's label, so what is not in it is asked for.
func (a *Applier) find(ctx context.Context, key childKey) (client.Object, error) {
	made, err := a.client.Scheme().New(key.gvk)
	if err != nil {
		return nil, fmt.Errorf("%s is in no scheme: %w", key, err)
	}

	live, ok := made.(client.Object)
	if !ok {
		return nil, fmt.Errorf("%s: %T is no object", key, made)
	}

	err = a.client.Get(ctx, key.name, live)
	if apierrors.IsNotFound(err) {
		err = a.live.Get(ctx, key.name, live)
	}

	switch {
	case apierrors.IsNotFound(err):
		return nil, nil //nolint:nilnil // absent is an answer
	case err != nil:
		return nil, outcome.Transient(err, "read %s", key)
	}

	return live, nil
}

// unchanged says whether live is what the API server answered last. Where the
// object counts generations, a newer resource version alone is somebody's
// status; labels and annotations count no generation and are compared.
func unchanged(last metav1.PartialObjectMetadata, live client.Object, wish []byte) bool {
	if last.UID != live.GetUID() {
		return false
	}

	if Older(live.GetResourceVersion(), last.ResourceVersion) {
		// The cache has not seen the answer yet; when it has, a watch tells.
		return true
	}

	if last.Generation == 0 || live.GetGeneration() == 0 {
		return live.GetResourceVersion() == last.ResourceVersion
	}

	var want metav1.PartialObjectMetadata
	if err := json.Unmarshal(wish, &want); err != nil {
		return false
	}

	return live.GetGeneration() == last.Generation &&
		holds(live.GetLabels(), want.Labels) && holds(live.GetAnnotations(), want.Annotations)
}

func holds(have, want map[string]string) bool {
	for key, value := range want {
		if got, ok := have[key]; !ok || got != value {
			return false
		}
	}

	return true
}

// Older compares resource versions, which Kubernetes guarantees to be rising
// integers (KEP-5504). What is no integer is never older.
func Older(a, b string) bool {
	first, errFirst := strconv.ParseUint(a, 10, 64)
	second, errSecond := strconv.ParseUint(b, 10, 64)

	return errFirst == nil && errSecond == nil && first < second
}

// refusal sorts the API server's error: a refusal stands until somebody acts,
// all else is tried again.
func refusal(err error, key childKey) error {
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return outcome.Transient(err, "apply %s", key)
	case apierrors.IsInvalid(err), apierrors.IsForbidden(err), apierrors.IsBadRequest(err),
		apierrors.IsRequestEntityTooLargeError(err):
		return outcome.Stalled(examv1alpha1.ReasonApplyRejected, "%s was refused: %s", key, err).RecheckAfter(recheck)
	default:
		return outcome.Transient(err, "apply %s", key)
	}
}

func keyOf(owner client.Object, object Object) childKey {
	return childKey{
		owner: owner.GetUID(),
		gvk:   schema.FromAPIVersionAndKind(ptr.Deref(object.GetAPIVersion(), ""), ptr.Deref(object.GetKind(), "")),
		name:  types.NamespacedName{Namespace: ptr.Deref(object.GetNamespace(), ""), Name: ptr.Deref(object.GetName(), "")},
	}
}

// String names the child as people do: Service algebra-1-redis.
func (k childKey) String() string { return k.gvk.Kind + " " + k.name.Name }
