package controllers

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/controllers/manifests"
)

// updateHeld says which changes wait for the exam's end. A pass that stopped before
// it had seen them all does not know.
func (c conditions) updateHeld(p *pass) {
	switch {
	case !p.course.Phase.InSession() || p.compared == workloads && len(p.held) == 0:
		c.remove(examv1alpha1.ConditionUpdateHeld)
	case p.compared == workloads:
		c.set(examv1alpha1.ConditionUpdateHeld, metav1.ConditionTrue, examv1alpha1.ReasonExamInSession,
			fmt.Sprintf("New pod templates of %s wait for the exam's end, since they would replace pods that students need",
				strings.Join(p.held, ", ")))
	}
}

// colocated warns of a node that carries the scoring pod and SFU pods: in a burst
// each takes from the other, and with the node both are lost.
func (c conditions) colocated(p *pass) {
	sfu, scoring := map[string]int{}, map[string]bool{}

	for _, pod := range p.pods {
		if pod.Spec.NodeName == "" || !pod.DeletionTimestamp.IsZero() {
			continue
		}

		switch pod.Labels[manifests.LabelComponent] {
		case manifests.ComponentSFU:
			sfu[pod.Spec.NodeName]++
		case manifests.ComponentScoring:
			scoring[pod.Spec.NodeName] = true
		}
	}

	var shared []string

	for node := range scoring {
		if sfu[node] > 0 {
			shared = append(shared, fmt.Sprintf("%s carries the scoring pod and %d of the SFU pods", node, sfu[node]))
		}
	}

	if len(shared) == 0 {
		c.remove(examv1alpha1.ConditionColocated)

		return
	}

	slices.Sort(shared)
	c.set(examv1alpha1.ConditionColocated, metav1.ConditionTrue, examv1alpha1.ReasonSharedNode,
		"Node "+strings.Join(shared, "; "))
}
