using System.Runtime.Intrinsics;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Runtime.Native;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DistillOnnx.Runtime.Kernels;

/// <summary>
/// Operators of this project's own on a processor: those that graphs in eight bits define as functions of others, and an encoder's
/// attention. A session that has them runs them instead of ONNX Runtime's, in fewer passes over memory.
/// </summary>
internal static unsafe class KernelOperators
{
    private static readonly HashSet<string> Names = new(StringComparer.Ordinal)
    {
        GraphFunctions.QuantizeRows, GraphFunctions.QuantizeRectifiedRows, GraphFunctions.QuantizeGatedGeluRows,
        GraphFunctions.AddNormQuantize, GraphFunctions.AttendRows,
    };

    private static readonly Lazy<nint> Operators = new(() =>
    {
        var domain = OrtInterface.CreateDomain(GraphFunctions.Domain);
        OrtInterface.AddToDomain(domain, QuantizeRowsOperator.Signed());
        OrtInterface.AddToDomain(domain, QuantizeRowsOperator.Rectified());
        OrtInterface.AddToDomain(domain, QuantizeGatedRowsOperator.Create());
        OrtInterface.AddToDomain(domain, AddNormQuantizeOperator.Create());
        OrtInterface.AddToDomain(domain, AttendOperator.Create());
        OrtInterface.AddToDomain(domain, AttendOperator.CreateRows());
        MakeKnown(domain);
        return domain;
    });

    /// <summary>Whether this processor has the vector instructions that they are written for, and ONNX Runtime the interface.</summary>
    public static bool AreAvailable => Vector256.IsHardwareAccelerated && OrtInterface.IsLoaded;

    /// <summary>Whether there is a kernel for a function.</summary>
    public static bool Has(string domain, string name) => domain == GraphFunctions.Domain && Names.Contains(name);

    /// <summary>Gives them to a session.</summary>
    public static void AddTo(SessionOptions options) => OrtInterface.AddDomain(options.DangerousGetHandle(), Operators.Value);

    /// <summary>
    /// ONNX Runtime notes a domain of operators with the first session that has it, and of two at once each may find that it is not noted
    /// yet: so a first one is made by itself.
    /// </summary>
    private static void MakeKnown(nint domain)
    {
        using var options = new SessionOptions();
        OrtInterface.AddDomain(options.DangerousGetHandle(), domain);
        var model = new GraphFields().Input("x", TensorElementType.Float, "n").Node("Identity", ["x"], ["y"])
            .Output("y", TensorElementType.Float, "n").ToModel("first");
        new InferenceSession(model, options).Dispose();
    }
}
