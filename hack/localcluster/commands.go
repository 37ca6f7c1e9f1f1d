package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/invigil/invigil/hack/localcluster/internal/artifacts"
	"github.com/invigil/invigil/hack/localcluster/internal/cluster"
	"github.com/invigil/invigil/hack/localcluster/internal/layout"
	"github.com/invigil/invigil/hack/localcluster/internal/progress"
)

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "localcluster",
		Short: "A real Kubernetes on this machine, built from Go modules",
		// Errors are printed once, by main, and are not about usage.
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	node := &cobra.Command{Use: "node", Short: "Take a node off the network and back"}
	node.AddCommand(
		newCableCommand("cut", "Pull a node's network cable", (*cluster.Cluster).Cut),
		newCableCommand("heal", "Plug a node's network cable in again", (*cluster.Cluster).Heal),
	)
	root.AddCommand(
		newUpCommand(), newDownCommand(), newStatusCommand(), newLoadCommand(), newKubeconfigCommand(),
		newBuildCommand(), newAssetsCommand(), node,
	)
	return root
}

// open returns the cluster that the environment points at. It reports to
// standard error, so that standard output holds answers only.
func open(cmd *cobra.Command) (*cluster.Cluster, *artifacts.Store, error) {
	report := progress.New(cmd.ErrOrStderr()).Step
	store, err := artifacts.Open(report)
	if err != nil {
		return nil, nil, err
	}
	l, err := layout.FromEnvironment()
	if err != nil {
		return nil, nil, err
	}
	return cluster.New(l, report), store, nil
}

func newUpCommand() *cobra.Command {
	var nodes int
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the cluster, or repair the one that is there",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if nodes < 0 || nodes > layout.MaxNodes || (nodes == 0 && cmd.Flags().Changed("nodes")) {
				return fmt.Errorf("--nodes must be 1 to %d", layout.MaxNodes)
			}
			c, store, err := open(cmd)
			if err != nil {
				return err
			}
			return c.Up(cmd.Context(), store, nodes)
		},
	}
	cmd.Flags().IntVar(&nodes, "nodes", 0, "number of nodes, 1 or 2 (default: as many as there are, at least 1)")
	return cmd
}

func newDownCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "End the cluster and remove all that it made, except for the cache",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, _, err := open(cmd)
			if err != nil {
				return err
			}
			return c.Down(cmd.Context())
		},
	}
}

func newStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Print what runs and where its files are; fails unless all is well",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, store, err := open(cmd)
			if err != nil {
				return err
			}
			return c.Status(cmd.Context(), cmd.OutOrStdout(), store.Dir)
		},
	}
}

func newLoadCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "load IMAGE_TAR...",
		Short: "Import image tarballs, as docker save writes them, on every node",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, tarballs []string) error {
			c, _, err := open(cmd)
			if err != nil {
				return err
			}
			return c.Load(cmd.Context(), tarballs)
		},
	}
}

func newKubeconfigCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print the path of the administrator's kubeconfig",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := layout.FromEnvironment()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), l.AdminKubeconfig())
			return err
		},
	}
}
