using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.T5;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Export.Tests;

/// <summary>Graphs whose activations are quantised token by token.</summary>
public sealed class QuantizedRowsTests
{
    /// <summary>Every way in which scales pass through a feed-forward layer: at once, with a gate, and behind another activation.</summary>
    [Theory]
    [InlineData(T5Activation.Relu, false, false)]
    [InlineData(T5Activation.Relu, true, false)]
    [InlineData(T5Activation.GeluNew, false, false)]
    [InlineData(T5Activation.GeluNew, true, false)]
    [InlineData(T5Activation.Relu, false, true)]
    [InlineData(T5Activation.Relu, true, true)]
    [InlineData(T5Activation.Silu, true, true)]
    public void Encoder_InEightBits_IsNearFullPrecision(T5Activation activation, bool gated, bool portable)
    {
        var config = RandomCheckpoint.Uneven with { Activation = activation, IsGated = gated };
        var root = Directory.CreateTempSubdirectory("distillonnx-rows-").FullName;
        try
        {
            var model = Path.Combine(root, "model");
            RandomCheckpoint.Write(model, config, task: null, seed: 5, TinyTokenizer.SpieceModel);
            var output = Path.Combine(root, "bundle");
            BundleExporter.Export(
                new BundleExportOptions
                {
                    Model = model,
                    Out = output,
                    Precision = ["fp32", "int8"],
                    Portable = portable,
                    Graphs = GraphSet.Seq2seq,
                },
                Reporter.None,
                TestContext.Current.CancellationToken);
            var batch = Batch.Random(3, config.VocabSize, 12, 5, 1);
            double[] Run(string precision)
            {
                using var encoder = OnnxGraph.Open(Path.Combine(output, BundleFiles.Graph(BundleFiles.Encoder, precision)));
                var states = encoder.Run(
                    ("input_ids", batch.Ids, batch.Shape), ("attention_mask", batch.Mask, batch.Shape))["last_hidden_state"];

                // What stands at padding is nobody's answer.
                return [.. states.Values.Select((v, i) => batch.Mask[i / config.DModel] * (double)v)];
            }

            var (full, small) = (Run("fp32"), Run("int8"));
            var error = Math.Sqrt(full.Zip(small, (f, s) => (f - s) * (f - s)).Sum() / full.Sum(f => f * f));
            Assert.InRange(error, 1e-6, 0.1);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }
}
