package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// provisionedBy marks the volumes whose folders are ours to delete.
const provisionedBy = "invigil.local/provisioned-by"

// mode lets any user write. The kubelet does not apply a pod's fsGroup to
// hostPath volumes, so a folder owned by root with a narrower mode could not be
// written by the non-root pods that the `restricted` Pod Security level allows.
const mode = 0o777

// folders provisions one folder under root for each volume.
type folders struct {
	root string
	name string
}

// Provision makes the folder and describes it as a hostPath volume.
//
// The volume has no node affinity: all nodes of a local cluster are network
// namespaces of one machine and see the same files.
func (f *folders) Provision(_ context.Context, options controller.ProvisionOptions) (*corev1.PersistentVolume, controller.ProvisioningState, error) {
	claim := options.PVC
	for _, access := range claim.Spec.AccessModes {
		if access == corev1.ReadWriteOncePod {
			// Kubernetes enforces this mode for CSI volumes only.
			return nil, controller.ProvisioningFinished, fmt.Errorf("access mode %s is not supported", access)
		}
	}
	if claim.Spec.VolumeMode != nil && *claim.Spec.VolumeMode == corev1.PersistentVolumeBlock {
		return nil, controller.ProvisioningFinished, fmt.Errorf("block volumes are not supported")
	}
	path, err := f.path(options.PVName)
	if err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	if err := os.MkdirAll(path, mode); err != nil {
		return nil, controller.ProvisioningFinished, fmt.Errorf("make volume folder: %w", err)
	}
	// MkdirAll is subject to the umask, chmod is not.
	if err := os.Chmod(path, mode); err != nil {
		return nil, controller.ProvisioningFinished, fmt.Errorf("open volume folder to pods: %w", err)
	}
	directory := corev1.HostPathDirectory
	reclaim := corev1.PersistentVolumeReclaimDelete
	if options.StorageClass.ReclaimPolicy != nil {
		reclaim = *options.StorageClass.ReclaimPolicy
	}
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name:        options.PVName,
			Annotations: map[string]string{provisionedBy: f.name},
		},
		Spec: corev1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: reclaim,
			AccessModes:                   claim.Spec.AccessModes,
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage]},
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				// Type Directory makes a pod fail loudly, instead of writing
				// into a fresh folder owned by root, should ours be gone.
				HostPath: &corev1.HostPathVolumeSource{Path: path, Type: &directory},
			},
		},
	}, controller.ProvisioningFinished, nil
}

// Delete removes the folder of a volume that this provisioner made.
func (f *folders) Delete(_ context.Context, volume *corev1.PersistentVolume) error {
	if volume.Annotations[provisionedBy] != f.name {
		return &controller.IgnoredError{Reason: "made by another provisioner"}
	}
	path, err := f.path(volume.Name)
	if err != nil {
		return err
	}
	// The path is derived from the name again rather than read from the
	// object, which anyone who may edit volumes could point elsewhere.
	if volume.Spec.HostPath == nil || volume.Spec.HostPath.Path != path {
		return fmt.Errorf("volume %s does not point at its own folder %s: not deleting anything", volume.Name, path)
	}
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("remove volume folder: %w", err)
	}
	return nil
}

// path returns the folder of a volume and refuses names that would lead out of
// the root.
func (f *folders) path(name string) (string, error) {
	if name == "" || name == "." || name == ".." || filepath.Base(name) != name {
		return "", fmt.Errorf("volume name %q is not a plain name", name)
	}
	return filepath.Join(f.root, name), nil
}
