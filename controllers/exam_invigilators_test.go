package controllers_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/invigil/invigil/internal/wire"
)

// TestInvigilators: whoever is bound to the exam's Role gets a token of the exam's
// account and no other, and scoring is told all that it needs to check it.
func TestInvigilators(t *testing.T) {
	t.Parallel()

	s, namespace := needCluster(t)
	exam := makeExam(namespace, "algebra").students(1).obj()
	s.create(t, exam)

	var told *wire.Invigilators

	eventually(t, "scoring is told", func() error {
		secret := &corev1.Secret{}
		name := types.NamespacedName{Namespace: namespace, Name: "algebra-config"}
		if err := s.client.Get(t.Context(), name, secret); err != nil {
			return err
		}

		var config wire.ExamConfig
		if err := json.Unmarshal(secret.Data["exam.json"], &config); err != nil {
			return err
		}

		if told = config.Invigilators; told == nil {
			return errors.New("no invigilators")
		}

		return nil
	})

	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "algebra-invigilator"}}
	if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(account), account); err != nil {
		t.Fatal(err)
	}

	if ptr.Deref(account.AutomountServiceAccountToken, true) {
		t.Error("a pod would get the account's token")
	}

	// Somebody with nothing but the Role.
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "invigilators"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "algebra-invigilator"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "grace-" + namespace}},
	}
	if err := s.client.Create(t.Context(), binding); err != nil {
		t.Fatal(err)
	}

	config := rest.CopyConfig(s.config)
	config.Impersonate.UserName = "grace-" + namespace

	grace, err := client.New(config, client.Options{Scheme: s.client.Scheme()})
	if err != nil {
		t.Fatal(err)
	}

	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		Audiences: []string{told.Audience}, ExpirationSeconds: ptr.To(int64(600)),
	}}
	eventually(t, "a token", func() error { // RBAC follows a moment later.
		return grace.SubResource("token").Create(t.Context(), account, request)
	})

	other := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "default"}}

	err = grace.SubResource("token").Create(t.Context(), other, &authenticationv1.TokenRequest{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("a token of another account: %v", err)
	}

	claims := jwt.MapClaims{}

	token, _, err := jwt.NewParser().ParseUnverified(request.Status.Token, claims)
	if err != nil {
		t.Fatal(err)
	}

	got := []string{claims["iss"].(string), fmt.Sprint(claims["aud"]), claims["sub"].(string)}
	if diff := cmp.Diff([]string{told.Issuer, fmt.Sprint([]string{told.Audience}), told.Subject}, got); diff != "" {
		t.Errorf("token (-told +got):\n%s", diff)
	}

	if want := "invigil:exam:" + namespace + "/algebra"; told.Audience != want {
		t.Errorf("audience %s, want %s", told.Audience, want)
	}

	var keys struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(told.Keys, &keys); err != nil || len(keys.Keys) == 0 || keys.Keys[0].ID != token.Header["kid"] {
		t.Errorf("keys %s, %v; the token's is %v", told.Keys, err, token.Header["kid"])
	}
}
