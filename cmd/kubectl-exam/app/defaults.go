package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/config/crd"
)

// readExam reads the one Exam among the documents of a manifest, with the defaults
// that the API server would fill in. Fields that it does not have are an error.
func readExam(data []byte) (*examv1alpha1.Exam, error) {
	var exam *examv1alpha1.Exam

	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))

	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}

		var kind struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
		}
		if err := yaml.Unmarshal(document, &kind); err != nil {
			return nil, err
		}

		if kind.Kind != "Exam" || kind.APIVersion != examv1alpha1.GroupVersion.String() {
			continue
		}

		if exam != nil {
			return nil, errors.New("there is more than one Exam in it: plan them one by one")
		}

		if exam, err = decodeExam(document); err != nil {
			return nil, err
		}
	}

	if exam == nil {
		return nil, fmt.Errorf("there is no Exam of %s in it", examv1alpha1.GroupVersion)
	}

	return exam, nil
}

func decodeExam(document []byte) (*examv1alpha1.Exam, error) {
	exam := &examv1alpha1.Exam{}
	if err := yaml.UnmarshalStrict(document, exam); err != nil {
		return nil, err
	}

	schema, err := examSchema()
	if err != nil {
		return nil, err
	}

	var values map[string]any
	if err := yaml.Unmarshal(document, &values); err != nil {
		return nil, err
	}

	if err := fillIn(values, schema); err != nil {
		return nil, err
	}

	filled, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}

	exam = &examv1alpha1.Exam{}

	return exam, json.Unmarshal(filled, exam)
}

// examSchema is the schema of the Exam's API version.
func examSchema() (*apiextensionsv1.JSONSchemaProps, error) {
	definition := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.Unmarshal(crd.Exams, definition); err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}

	for i := range definition.Spec.Versions {
		if version := &definition.Spec.Versions[i]; version.Name == examv1alpha1.GroupVersion.Version {
			return version.Schema.OpenAPIV3Schema, nil
		}
	}

	return nil, errors.New("the schema lacks " + examv1alpha1.GroupVersion.Version)
}

// fillIn sets absent properties that have a default, and looks into those that are
// there, the ones just set included: the rule of the API server. Its own code for it
// brings the whole server along.
func fillIn(value any, schema *apiextensionsv1.JSONSchemaProps) error {
	switch value := value.(type) {
	case map[string]any:
		for name, property := range schema.Properties {
			if _, ok := value[name]; !ok && property.Default != nil {
				var filled any
				if err := json.NewDecoder(bytes.NewReader(property.Default.Raw)).Decode(&filled); err != nil {
					return fmt.Errorf("default of %s: %w", name, err)
				}

				value[name] = filled
			}

			if err := fillIn(value[name], &property); err != nil {
				return err
			}
		}
	case []any:
		if schema.Items == nil || schema.Items.Schema == nil {
			return nil
		}

		for _, item := range value {
			if err := fillIn(item, schema.Items.Schema); err != nil {
				return err
			}
		}
	}

	return nil
}
