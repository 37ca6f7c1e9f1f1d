package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/invigil/invigil/hack/localcluster/internal/artifacts"
	"github.com/invigil/invigil/hack/localcluster/internal/progress"
)

// openStore opens the cache and reports to standard error, so that standard
// output holds nothing but the answer of commands that give one.
func openStore(cmd *cobra.Command) (*artifacts.Store, error) {
	return artifacts.Open(progress.New(cmd.ErrOrStderr()).Step)
}

func newBuildCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "build",
		Short: "Build and cache the programs and images, start nothing",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := openStore(cmd)
			if err != nil {
				return err
			}
			programs, err := store.All(cmd.Context())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "cache:", store.Dir, "programs:", len(programs))
			return err
		},
	}
}

func newAssetsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "assets",
		Short: "Print a folder with kube-apiserver, etcd and kubectl, for KUBEBUILDER_ASSETS",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := openStore(cmd)
			if err != nil {
				return err
			}
			dir, err := store.Assets(cmd.Context())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), dir)
			return err
		},
	}
}
