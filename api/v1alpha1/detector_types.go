package v1alpha1

// Detector is how the students' pages look at their cameras.
type Detector struct {
	// faceModel is a model for the page's second engine. Absent: the page uses the
	// engine that brings its own.
	// +optional
	FaceModel *FaceModel `json:"faceModel,omitempty"`

	// thresholds override from when on a frame shows a sign; one that is not listed
	// keeps its default (docs/detector.md has the table).
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=26
	// +kubebuilder:validation:XValidation:rule="(self.filter(t, t.name == 'yawEnter').map(t, double(t.value)) + [21.0])[0] >= (self.filter(t, t.name == 'yawLeave').map(t, double(t.value)) + [16.0])[0]",message="yawEnter must be at least yawLeave; the defaults are 21 and 16"
	// +kubebuilder:validation:XValidation:rule="(self.filter(t, t.name == 'pitchEnter').map(t, double(t.value)) + [35.0])[0] >= (self.filter(t, t.name == 'pitchLeave').map(t, double(t.value)) + [28.0])[0]",message="pitchEnter must be at least pitchLeave; the defaults are 35 and 28"
	// +kubebuilder:validation:XValidation:rule="(self.filter(t, t.name == 'gazeEnter').map(t, double(t.value)) + [22.0])[0] >= (self.filter(t, t.name == 'gazeLeave').map(t, double(t.value)) + [16.0])[0]",message="gazeEnter must be at least gazeLeave; the defaults are 22 and 16"
	// +kubebuilder:validation:XValidation:rule="(self.filter(t, t.name == 'mouthEnterTurns').map(t, double(t.value)) + [3.0])[0] >= (self.filter(t, t.name == 'mouthLeaveTurns').map(t, double(t.value)) + [2.0])[0]",message="mouthEnterTurns must be at least mouthLeaveTurns; the defaults are 3 and 2"
	// +kubebuilder:validation:XValidation:rule="(self.filter(t, t.name == 'brightEnter').map(t, double(t.value)) + [225.0])[0] >= (self.filter(t, t.name == 'brightLeave').map(t, double(t.value)) + [215.0])[0]",message="brightEnter must be at least brightLeave; the defaults are 225 and 215"
	// +kubebuilder:validation:XValidation:rule="(self.filter(t, t.name == 'darkLeave').map(t, double(t.value)) + [48.0])[0] >= (self.filter(t, t.name == 'darkEnter').map(t, double(t.value)) + [40.0])[0]",message="darkLeave must be at least darkEnter; the defaults are 48 and 40"
	// +kubebuilder:validation:XValidation:rule="(self.filter(t, t.name == 'flatLeave').map(t, double(t.value)) + [13.0])[0] >= (self.filter(t, t.name == 'flatEnter').map(t, double(t.value)) + [10.0])[0]",message="flatLeave must be at least flatEnter; the defaults are 13 and 10"
	// +kubebuilder:validation:XValidation:rule="(self.filter(t, t.name == 'blurLeave').map(t, double(t.value)) + [0.03])[0] >= (self.filter(t, t.name == 'blurEnter').map(t, double(t.value)) + [0.02])[0]",message="blurLeave must be at least blurEnter; the defaults are 0.03 and 0.02"
	Thresholds []DetectorThreshold `json:"thresholds,omitempty"`
}

// FaceModel is a face_landmarker.task in parts, since a ConfigMap holds 1 MiB;
// hack/face-model.sh makes them. A part that is missing, or another checksum, keeps
// nobody from the exam: the page then uses its other engine.
type FaceModel struct {
	// configMapPrefix names the ConfigMaps in the Exam's namespace: PREFIX-0,
	// PREFIX-1 and so on, each with its part of the file under the key "part".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=250
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	ConfigMapPrefix string `json:"configMapPrefix,omitempty"`

	// parts is how many ConfigMaps there are.
	// +optional
	// +kubebuilder:default=4
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=16
	Parts int32 `json:"parts,omitempty"`

	// sha256 of the whole file, in hex. Scoring serves no other.
	// +required
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[0-9a-f]{64}$`
	SHA256 string `json:"sha256,omitempty"`
}

// ThresholdName names a number of the face detector.
//
// +kubebuilder:validation:Enum=blackBelow;yawEnter;yawLeave;pitchEnter;pitchLeave;gazeEnter;gazeLeave;irisOffsetPerDegree;eyeWidthMin;eyeOpennessMin;uncalibratedFactor;mouthSwing;mouthWindowMs;mouthEnterTurns;mouthLeaveTurns;mouthMinSamples;darkEnter;darkLeave;brightEnter;brightLeave;flatEnter;flatLeave;blurEnter;blurLeave;sameBelow;frozenAfterMs
type ThresholdName string

// DetectorThreshold is one number of the face detector.
//
// +kubebuilder:validation:XValidation:rule="!(self.name in ['yawEnter', 'yawLeave', 'pitchEnter', 'pitchLeave', 'gazeEnter', 'gazeLeave']) || (double(self.value) >= 1.0 && double(self.value) <= 90.0)",message="value must be between 1 and 90 degrees"
// +kubebuilder:validation:XValidation:rule="!(self.name in ['blackBelow', 'darkEnter', 'darkLeave', 'brightEnter', 'brightLeave']) || (double(self.value) >= 1.0 && double(self.value) <= 255.0)",message="value must be a luma between 1 and 255"
// +kubebuilder:validation:XValidation:rule="!(self.name in ['flatEnter', 'flatLeave']) || (double(self.value) >= 0.1 && double(self.value) <= 128.0)",message="value must be a contrast between 0.1 and 128"
// +kubebuilder:validation:XValidation:rule="!(self.name in ['irisOffsetPerDegree', 'eyeOpennessMin', 'mouthSwing', 'blurEnter', 'blurLeave', 'sameBelow']) || (double(self.value) >= 0.0001 && double(self.value) <= 1.0)",message="value must be between 0.0001 and 1"
// +kubebuilder:validation:XValidation:rule="!(self.name in ['eyeWidthMin', 'mouthEnterTurns', 'mouthLeaveTurns', 'mouthMinSamples']) || (!self.value.contains('.') && double(self.value) >= 1.0 && double(self.value) <= 200.0)",message="value must be a whole number between 1 and 200"
// +kubebuilder:validation:XValidation:rule="self.name != 'uncalibratedFactor' || (double(self.value) >= 1.0 && double(self.value) <= 10.0)",message="value must be between 1 and 10"
// +kubebuilder:validation:XValidation:rule="!(self.name in ['mouthWindowMs', 'frozenAfterMs']) || (!self.value.contains('.') && double(self.value) >= 100.0 && double(self.value) <= 600000.0)",message="value must be whole milliseconds between 100 and 600000"
type DetectorThreshold struct {
	// name of the number.
	// +required
	Name ThresholdName `json:"name,omitempty"`

	// value of it, a decimal number, for example "25" or "0.02".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=13
	// +kubebuilder:validation:Pattern=`^[0-9]{1,6}(\.[0-9]{1,6})?$`
	Value string `json:"value,omitempty"`
}
