package manifests

import (
	"encoding/json"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	rbacv1ac "k8s.io/client-go/applyconfigurations/rbac/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/internal/wire"
)

// ComponentInvigilator is who watches.
const ComponentInvigilator = "invigilator"

// InvigilatorName is the exam's ServiceAccount whose tokens admit invigilators,
// and the Role that lets somebody make such a token.
func InvigilatorName(exam string) string { return exam + "-invigilator" }

// InvigilatorAudience is what a token must be made for: no token that a pod or
// another exam has is good for this one.
func InvigilatorAudience(namespace, exam string) string {
	return "invigil:exam:" + namespace + "/" + exam
}

// InvigilatorAccount is the exam's invigilators. No pod runs as it, and it has no
// rights in the cluster: it is a name that tokens can be made for.
func InvigilatorAccount(exam *examv1alpha1.Exam) *corev1ac.ServiceAccountApplyConfiguration {
	return corev1ac.ServiceAccount(InvigilatorName(exam.Name), exam.Namespace).
		WithLabels(Labels(exam.Name, ComponentInvigilator)).
		WithOwnerReferences(owner(exam)).
		WithAutomountServiceAccountToken(false)
}

// InvigilatorRole lets whoever is bound to it make tokens of that account and do
// nothing else. Binding it is the admin's.
func InvigilatorRole(exam *examv1alpha1.Exam) *rbacv1ac.RoleApplyConfiguration {
	return rbacv1ac.Role(InvigilatorName(exam.Name), exam.Namespace).
		WithLabels(Labels(exam.Name, ComponentInvigilator)).
		WithOwnerReferences(owner(exam)).
		WithRules(rbacv1ac.PolicyRule().
			WithAPIGroups("").
			WithResources("serviceaccounts/token").
			WithResourceNames(InvigilatorName(exam.Name)).
			WithVerbs("create"))
}

// Invigilators is how scoring checks their tokens.
func Invigilators(exam *examv1alpha1.Exam, issuer string, keys json.RawMessage) *wire.Invigilators {
	return &wire.Invigilators{
		Issuer:   issuer,
		Audience: InvigilatorAudience(exam.Namespace, exam.Name),
		Subject:  "system:serviceaccount:" + exam.Namespace + ":" + InvigilatorName(exam.Name),
		Keys:     keys,
	}
}
