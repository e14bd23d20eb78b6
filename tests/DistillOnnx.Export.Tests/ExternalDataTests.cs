using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.Onnx.Proto;
using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Export.Tests;

/// <summary>Weights of more than 2 GB. The tables are holes in a sparse file, but for one value at the end of each.</summary>
public sealed class ExternalDataTests
{
    private const long Rows = 300_000;
    private const long Width = 1024;

    [Fact]
    public void Write_MoreThanTwoGigabytes_PutsThemBesideTheGraphWhereARuntimeFindsThem()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs a file system with sparse files");
        var directory = Directory.CreateTempSubdirectory("distillonnx-large-").FullName;
        try
        {
            var graph = new GraphBuilder("large");
            var row = graph.Input("row", ElementType.Int64, 1);
            var first = graph.Gather(graph.Constant("first", () => Table(3)), row);
            var second = graph.Gather(graph.Constant("second", () => Table(4)), row);
            graph.Output(graph.Concat(0, first, second), "rows", ElementType.Float, 2, Width);
            var path = Path.Combine(directory, "large.onnx");
            var written = OnnxWriter.Write(path, graph, new Dictionary<string, string>());

            Assert.Equal([path, path + "_data"], written);
            Assert.InRange(new FileInfo(path).Length, 1, 4096);
            Assert.InRange(new FileInfo(path + "_data").Length, 2_000_000_001, long.MaxValue);
            var entries = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path)).Graph.Initializer
                .Where(t => t.DataLocation == TensorProto.Types.DataLocation.External)
                .Select(t => t.ExternalData.ToDictionary(e => e.Key, e => e.Value)).ToArray();
            Assert.All(entries, e => Assert.Equal("large.onnx_data", e["location"]));
            Assert.All(entries, e => Assert.Equal(0, long.Parse(e["offset"], null) % 4096));

            using var options = new SessionOptions { IntraOpNumThreads = 1 };
            using var session = new InferenceSession(path, options);
            using var last = OrtValue.CreateTensorValueFromMemory([Rows - 1], [1]);
            using var run = new RunOptions();
            using var outputs = session.Run(run, ["row"], [last], ["rows"]);
            var values = outputs[0].GetTensorDataAsSpan<float>();
            Assert.Equal([3f, 4f], [values[(int)Width - 1], values[(2 * (int)Width) - 1]]);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>A table of zeros whose very last value is another.</summary>
    private static TensorData Table(float last) => new(ElementType.Float, [Rows, Width], stream =>
    {
        stream.Seek((Rows * Width * sizeof(float)) - sizeof(float), SeekOrigin.Current);
        stream.Write(BitConverter.GetBytes(last));
    });
}
