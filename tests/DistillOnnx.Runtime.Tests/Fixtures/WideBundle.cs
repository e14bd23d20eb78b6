using DistillOnnx.Core.Tasks;
using DistillOnnx.Export;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Runtime.Tests.Fixtures;

/// <summary>A bundle whose matrices are large enough to be shared between sessions.</summary>
internal static class WideBundle
{
    public static TinyBundle Create(TaskSpec task, params string[] precisions) =>
        TinyBundle.Create(task, GraphSet.Label, RandomCheckpoint.Uneven with { DModel = 64, DFf = 96 }, precisions: precisions);

    public static string LabelGraph(TinyBundle bundle) => Path.Combine(bundle.Directory, "onnx", "label_model.onnx");
}
