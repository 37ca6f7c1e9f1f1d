package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

func options(name string, access corev1.PersistentVolumeAccessMode) controller.ProvisionOptions {
	return controller.ProvisionOptions{
		PVName:       name,
		StorageClass: &storagev1.StorageClass{},
		PVC: &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{access},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{
				corev1.ResourceStorage: resource.MustParse("1Gi"),
			}},
		}},
	}
}

func TestProvisionMakesFolderAnyPodCanWrite(t *testing.T) {
	f := &folders{root: t.TempDir(), name: "test"}
	volume, _, err := f.Provision(t.Context(), options("pvc-1", corev1.ReadWriteOnce))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(f.root, "pvc-1"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != mode {
		t.Errorf("folder mode %o, want %o", info.Mode().Perm(), mode)
	}
	if got := volume.Spec.HostPath.Path; got != filepath.Join(f.root, "pvc-1") {
		t.Errorf("volume path %s", got)
	}
	if err := f.Delete(t.Context(), volume); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(f.root, "pvc-1")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("folder still there after delete: %v", err)
	}
}

func TestProvisionRefuses(t *testing.T) {
	f := &folders{root: t.TempDir(), name: "test"}
	block := options("pvc-1", corev1.ReadWriteOnce)
	volumeMode := corev1.PersistentVolumeBlock
	block.PVC.Spec.VolumeMode = &volumeMode
	for name, o := range map[string]controller.ProvisionOptions{
		"escaping name":       options("../pvc-1", corev1.ReadWriteOnce),
		"single pod mode":     options("pvc-1", corev1.ReadWriteOncePod),
		"block volume":        block,
		"name of the root":    options(".", corev1.ReadWriteOnce),
		"name of the parent":  options("..", corev1.ReadWriteOnce),
		"empty name":          options("", corev1.ReadWriteOnce),
		"name with separator": options("a/b", corev1.ReadWriteOnce),
	} {
		if _, _, err := f.Provision(t.Context(), o); err == nil {
			t.Errorf("%s: provisioned", name)
		}
	}
}

func TestDeleteTouchesOnlyOwnFolders(t *testing.T) {
	f := &folders{root: t.TempDir(), name: "test"}
	elsewhere := t.TempDir()
	volume, _, err := f.Provision(t.Context(), options("pvc-1", corev1.ReadWriteOnce))
	if err != nil {
		t.Fatal(err)
	}
	volume.Spec.HostPath.Path = elsewhere
	if err := f.Delete(t.Context(), volume); err == nil {
		t.Error("deleted a volume that points elsewhere")
	}
	if _, err := os.Stat(elsewhere); err != nil {
		t.Errorf("foreign folder: %v", err)
	}
	volume.Annotations[provisionedBy] = "another"
	var ignored *controller.IgnoredError
	if err := f.Delete(t.Context(), volume); !errors.As(err, &ignored) {
		t.Errorf("foreign volume: got %v, want it ignored", err)
	}
}
