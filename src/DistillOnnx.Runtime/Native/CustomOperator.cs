using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Native;

/// <summary>
/// How ONNX Runtime is told of an operator: a table of functions, in its order, each of which is given the table itself; what these
/// functions read stands behind it.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CustomOperator
{
    private const int MostPorts = 8;

    private uint _version;
    private readonly nint _createKernel;
    private delegate* unmanaged<CustomOperator*, byte*> _name;
    private delegate* unmanaged<CustomOperator*, byte*> _provider;
    private delegate* unmanaged<CustomOperator*, nuint, int> _inputType;
    private delegate* unmanaged<CustomOperator*, nuint> _inputCount;
    private delegate* unmanaged<CustomOperator*, nuint, int> _outputType;
    private delegate* unmanaged<CustomOperator*, nuint> _outputCount;
    private readonly nint _compute;
    private delegate* unmanaged<nint, void> _destroy;
    private delegate* unmanaged<CustomOperator*, nuint, int> _inputCharacteristic;
    private delegate* unmanaged<CustomOperator*, nuint, int> _outputCharacteristic;
    private delegate* unmanaged<CustomOperator*, nuint, int> _inputMemory;
    private delegate* unmanaged<CustomOperator*, int> _variadicInputMinimum;
    private delegate* unmanaged<CustomOperator*, int> _variadicInputAlike;
    private delegate* unmanaged<CustomOperator*, int> _variadicOutputMinimum;
    private delegate* unmanaged<CustomOperator*, int> _variadicOutputAlike;
    private delegate* unmanaged<CustomOperator*, nint, nint, nint*, nint> _createKernelV2;
    private delegate* unmanaged<nint, nint, nint> _computeV2;
    private readonly nint _inferShapes;
    private delegate* unmanaged<CustomOperator*, int> _startVersion;
    private delegate* unmanaged<CustomOperator*, int> _endVersion;

    private static readonly object Nothing = new();

    private byte* _text;
    private int _inputs;
    private int _outputs;
    private fixed int _types[2 * MostPorts];

    /// <summary>Makes the table of an operator; it lives as long as the process.</summary>
    /// <param name="name">The operator's name.</param>
    /// <param name="inputs">Element types of its inputs.</param>
    /// <param name="outputs">Element types of its outputs.</param>
    /// <param name="create">From the table, ONNX Runtime's functions and the node's attributes: makes what a node keeps, and gives a
    /// status. Null: nodes keep nothing.</param>
    /// <param name="compute">From what the node keeps and the context of its run: computes, and gives a status.</param>
    public static CustomOperator* Create(
        string name, TensorElementType[] inputs, TensorElementType[] outputs,
        delegate* unmanaged<CustomOperator*, nint, nint, nint*, nint> create, delegate* unmanaged<nint, nint, nint> compute)
    {
        var table = (CustomOperator*)NativeMemory.AllocZeroed((nuint)sizeof(CustomOperator));
        *table = new CustomOperator
        {
            _version = OrtInterface.Version,
            _name = &Name,
            _provider = &Provider,
            _inputType = &InputType,
            _inputCount = &InputCount,
            _outputType = &OutputType,
            _outputCount = &OutputCount,
            _destroy = &NodeState.Destroy,
            _inputCharacteristic = &Required,
            _outputCharacteristic = &Required,
            _inputMemory = &DefaultMemory,
            _variadicInputMinimum = &One,
            _variadicInputAlike = &One,
            _variadicOutputMinimum = &One,
            _variadicOutputAlike = &One,
            _createKernelV2 = create == null ? &CreateNothing : create,
            _computeV2 = compute,
            _startVersion = &One,
            _endVersion = &Latest,
            _text = (byte*)Marshal.StringToCoTaskMemUTF8(name),
            _inputs = inputs.Length,
            _outputs = outputs.Length,
        };
        for (var i = 0; i < inputs.Length; i++) table->_types[i] = (int)inputs[i];
        for (var i = 0; i < outputs.Length; i++) table->_types[MostPorts + i] = (int)outputs[i];
        return table;
    }

    [UnmanagedCallersOnly]
    private static nint CreateNothing(CustomOperator* self, nint api, nint info, nint* state) => NodeState.Create(() => Nothing, state);

    [UnmanagedCallersOnly]
    private static byte* Name(CustomOperator* self) => self->_text;

    [UnmanagedCallersOnly]
    private static byte* Provider(CustomOperator* self) => null;

    [UnmanagedCallersOnly]
    private static int InputType(CustomOperator* self, nuint index) => self->_types[index];

    [UnmanagedCallersOnly]
    private static nuint InputCount(CustomOperator* self) => (nuint)self->_inputs;

    [UnmanagedCallersOnly]
    private static int OutputType(CustomOperator* self, nuint index) => self->_types[MostPorts + index];

    [UnmanagedCallersOnly]
    private static nuint OutputCount(CustomOperator* self) => (nuint)self->_outputs;

    [UnmanagedCallersOnly]
    private static int Required(CustomOperator* self, nuint index) => 0;

    [UnmanagedCallersOnly]
    private static int DefaultMemory(CustomOperator* self, nuint index) => 0;

    [UnmanagedCallersOnly]
    private static int One(CustomOperator* self) => 1;

    [UnmanagedCallersOnly]
    private static int Latest(CustomOperator* self) => int.MaxValue;
}
