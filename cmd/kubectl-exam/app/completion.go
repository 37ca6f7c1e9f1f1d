package app

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// completionTimeout bounds how long a Tab may hang on a slow cluster.
const completionTimeout = 3 * time.Second

// firstArg completes the first argument only.
func firstArg(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(command *cobra.Command, args []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}

		return complete(command, args, toComplete)
	}
}

// completeExams offers the names of the namespace's exams.
func (o *Options) completeExams(
	command *cobra.Command, _ []string, toComplete string,
) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(command.Context(), completionTimeout)
	defer cancel()

	namespace, err := o.namespace()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}

	c, err := o.cluster()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}

	exams, err := c.exams(ctx, namespace)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}

	var names []cobra.Completion

	for _, exam := range exams.Items {
		if strings.HasPrefix(exam.Name, toComplete) {
			names = append(names, cobra.CompletionWithDesc(exam.Name, clean(exam.Spec.Title)))
		}
	}

	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeStudents offers the ids of the students of the exam that is named
// already.
func (o *Options) completeStudents(
	command *cobra.Command, args []string, toComplete string,
) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}

	ctx, cancel := context.WithTimeout(command.Context(), completionTimeout)
	defer cancel()

	key, err := o.key(args[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}

	c, err := o.cluster()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}

	sessions, err := c.sessions(ctx, key)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}

	var ids []cobra.Completion

	for _, session := range sessions {
		if student := session.Spec.Student; strings.HasPrefix(student.ID, toComplete) {
			ids = append(ids, cobra.CompletionWithDesc(student.ID, clean(student.Name)))
		}
	}

	slices.Sort(ids)

	return ids, cobra.ShellCompDirectiveNoFileComp
}

// completeExamThenStudent completes EXAM STUDENT.
func (o *Options) completeExamThenStudent(
	command *cobra.Command, args []string, toComplete string,
) ([]cobra.Completion, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		return o.completeExams(command, args, toComplete)
	case 1:
		return o.completeStudents(command, args, toComplete)
	default:
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// registerConfigCompletion completes --context and --cluster from the kubeconfig.
func registerConfigCompletion(o *Options, command *cobra.Command) {
	fromConfig := func(names func() ([]string, error)) cobra.CompletionFunc {
		return func(_ *cobra.Command, _ []string, toComplete string) ([]cobra.Completion, cobra.ShellCompDirective) {
			all, err := names()
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}

			all = slices.DeleteFunc(all, func(name string) bool { return !strings.HasPrefix(name, toComplete) })

			return all, cobra.ShellCompDirectiveNoFileComp
		}
	}

	registerFlagCompletion(command, "context", fromConfig(func() ([]string, error) {
		config, err := o.ConfigFlags.ToRawKubeConfigLoader().RawConfig()

		return slices.Sorted(maps.Keys(config.Contexts)), err
	}))
	registerFlagCompletion(command, "cluster", fromConfig(func() ([]string, error) {
		config, err := o.ConfigFlags.ToRawKubeConfigLoader().RawConfig()

		return slices.Sorted(maps.Keys(config.Clusters)), err
	}))
}

// registerFlagCompletion panics where the flag does not exist, which no user can
// bring about.
func registerFlagCompletion(command *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := command.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err)
	}
}
