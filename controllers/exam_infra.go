package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/course"
	"github.com/invigil/invigil/controllers/manifests"
	"github.com/invigil/invigil/controllers/outcome"
	"github.com/invigil/invigil/internal/wire"
)

// applyNetwork opens what is reached, and closes the rest.
func (r *Reconciler) applyNetwork(ctx context.Context, p *pass) error {
	if !p.deploy {
		return nil
	}

	in := p.input(r)

	for _, policy := range manifests.NetworkPolicies(in) {
		if err := r.Applier.Apply(ctx, p.exam, policy); err != nil {
			return err
		}
	}

	for _, service := range manifests.MediaServices(in) {
		if err := r.Applier.Apply(ctx, p.exam, service); err != nil {
			return err
		}
	}

	return r.Applier.Apply(ctx, p.exam, manifests.SFUService(in), manifests.ScoringService(in), manifests.RedisService(in))
}

// applyStore brings Redis up. Its password is made once, like the keys.
func (r *Reconciler) applyStore(ctx context.Context, p *pass) error {
	if !p.deploy {
		return nil
	}

	existing, err := r.ownSecret(ctx, p.exam, manifests.RedisName(p.exam.Name))
	if err != nil {
		return err
	}

	password := manifests.NewPassword()
	if existing != nil {
		password, err = manifests.ReadPassword(existing.Data)
		if err != nil {
			return outcome.Stalled(examv1alpha1.ReasonKeysInvalid,
				"Secret %s: %s; restore it, or delete it for a new password", existing.Name, err)
		}
	}

	if err := r.Applier.Apply(ctx, p.exam, manifests.RedisSecret(p.exam, password)); err != nil {
		return err
	}

	return r.applySet(ctx, p, manifests.ComponentRedis, manifests.RedisStatefulSet(p.input(r)))
}

// applyMedia brings the SFU pods up.
func (r *Reconciler) applyMedia(ctx context.Context, p *pass) error {
	if !p.deploy {
		return nil
	}

	return r.applySet(ctx, p, manifests.ComponentSFU, manifests.SFUStatefulSet(p.input(r)))
}

// applyScoring brings the scoring service up.
func (r *Reconciler) applyScoring(ctx context.Context, p *pass) error {
	if !p.deploy {
		return nil
	}

	return r.applyDeployment(ctx, p, manifests.ComponentScoring, manifests.ScoringDeployment(p.input(r)))
}

// shard is one SFU pod of the plan as it is now.
type shard struct {
	wire.Shard

	ready bool
}

// applyShards finds out where each SFU pod is reached and tells the pods.
func (r *Reconciler) applyShards(ctx context.Context, p *pass) error {
	if !p.deploy {
		return nil
	}

	var published []wire.Shard

	for ordinal := range p.plan.Pods {
		name := manifests.ShardName(p.exam.Name, ordinal)
		one := shard{Shard: wire.Shard{Name: name, URL: manifests.ShardURL(p.input(r), ordinal)}}

		if pod := p.pods[name]; pod != nil {
			addresses, err := r.addresses(ctx, pod)
			if err != nil {
				return err
			}

			one.Addresses, one.ready = addresses, isReady(pod)
		}

		p.shards = append(p.shards, one)
		published = append(published, one.Shard)
	}

	config, err := manifests.ShardsConfigMap(p.input(r), published)
	if err != nil {
		return fmt.Errorf("build shards: %w", err)
	}

	hash, err := digest(config.Data)
	if err != nil {
		return err
	}

	p.contents[manifests.ComponentSFU] = hash
	p.contents[manifests.ComponentScoring] += hash

	return r.Applier.Apply(ctx, p.exam, config)
}

// listPods reads the exam's pods. A start that was moved away may have left some.
func (r *Reconciler) listPods(ctx context.Context, p *pass) error {
	if !p.deploy && p.course.Phase != course.Scheduled {
		return nil
	}

	list := &corev1.PodList{}

	err := r.Client.List(ctx, list,
		client.InNamespace(p.exam.Namespace), client.MatchingLabels{examv1alpha1.LabelExam: p.exam.Name})
	if err != nil {
		return outcome.Transient(err, "list pods")
	}

	p.pods = map[string]*corev1.Pod{}
	for i := range list.Items {
		p.pods[list.Items[i].Name] = &list.Items[i]
	}

	return nil
}

// addresses is where media for pod is sent: its node, at the port of its
// Service. It is nothing until the pod is on a node and the port is known.
func (r *Reconciler) addresses(ctx context.Context, pod *corev1.Pod) ([]wire.Address, error) {
	if pod.Spec.NodeName == "" || !pod.DeletionTimestamp.IsZero() {
		return nil, nil
	}

	node := &corev1.Node{}
	if err := r.Client.Get(ctx, types.NamespacedName{Name: pod.Spec.NodeName}, node); apierrors.IsNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, outcome.Transient(err, "read Node %s", pod.Spec.NodeName)
	}

	service := &corev1.Service{}
	if err := r.Client.Get(ctx, client.ObjectKeyFromObject(pod), service); apierrors.IsNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, outcome.Transient(err, "read Service %s", pod.Name)
	}

	for _, port := range service.Spec.Ports {
		if port.NodePort == 0 {
			continue
		}

		var addresses []wire.Address
		for _, ip := range nodeIPs(node) {
			addresses = append(addresses, wire.Address{IP: ip, Port: uint16(port.NodePort)})
		}

		return addresses, nil
	}

	return nil, nil
}

// nodeIPs are the node's external addresses, or else its internal ones.
func nodeIPs(node *corev1.Node) []string {
	for _, kind := range []corev1.NodeAddressType{corev1.NodeExternalIP, corev1.NodeInternalIP} {
		var ips []string

		for _, address := range node.Status.Addresses {
			if address.Type == kind {
				ips = append(ips, address.Address)
			}
		}

		if len(ips) > 0 {
			return ips
		}
	}

	return nil
}

func isReady(pod *corev1.Pod) bool {
	if !pod.DeletionTimestamp.IsZero() {
		return false
	}

	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}

	return false
}
