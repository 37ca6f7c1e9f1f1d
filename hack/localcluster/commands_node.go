package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/invigil/invigil/hack/localcluster/internal/cluster"
)

func newCableCommand(use, short string, do func(*cluster.Cluster, context.Context, string) error) *cobra.Command {
	return &cobra.Command{
		Use:   use + " NAME",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, _, err := open(cmd)
			if err != nil {
				return err
			}
			return do(c, cmd.Context(), args[0])
		},
	}
}
