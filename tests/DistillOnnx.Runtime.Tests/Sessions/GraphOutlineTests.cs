using CsCheck;
using DistillOnnx.Core;
using DistillOnnx.Runtime.Sessions;
using DistillOnnx.Runtime.Tests.Fixtures;

namespace DistillOnnx.Runtime.Tests.Sessions;

public sealed class GraphOutlineTests : IDisposable
{
    private static readonly Lazy<byte[]> Graph = new(() =>
    {
        using var bundle = WideBundle.Create(TinyBundle.LabelTask, "fp32");
        return File.ReadAllBytes(WideBundle.LabelGraph(bundle));
    });

    private readonly string _directory = Directory.CreateTempSubdirectory("outline").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Read_Graph_LeavesOutTheValuesOfLargeConstantsAlone()
    {
        var outline = GraphOutline.Read(Graph.Value, "label_model.onnx");

        var values = outline.Constants.Sum(c => (long)c.Length);
        Assert.False(outline.HasOtherFiles);
        Assert.Contains(outline.Constants, c => c.IsMultiplier);
        Assert.Contains(outline.Constants, c => !c.IsMultiplier);
        Assert.All(outline.Constants, c => Assert.Equal(c.Length, 4 * c.Shape.Aggregate(1L, (a, b) => a * b)));
        Assert.InRange(outline.Model.Length, Graph.Value.Length - values, Graph.Value.Length - values + 100 * outline.Constants.Count);
    }

    [Fact]
    public void Read_GraphCutAnywhere_SaysThatItIsNoModel()
    {
        foreach (var length in (int[])[1, 7, 100, Graph.Value.Length / 2, Graph.Value.Length - 1])
        {
            var fault = Assert.Throws<InputException>(() => GraphOutline.Read(Graph.Value.AsSpan(0, length), "x.onnx"));
            Assert.StartsWith("x.onnx: not an ONNX model: found ", fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Read_BytesChangedAnywhere_NeverFailsInAnyOtherWay() =>
        Gen.Select(Gen.Int[0, Graph.Value.Length - 1], Gen.Byte).Array[1, 8].Sample(
            changes =>
            {
                var bytes = (byte[])Graph.Value.Clone();
                foreach (var (at, value) in changes) bytes[at] = value;
                try
                {
                    var outline = GraphOutline.Read(bytes, "x.onnx", kernels: true);
                    Assert.All(outline.Constants, c => Assert.InRange(c.Offset + c.Length, 0, bytes.Length));
                }
                catch (InputException)
                {
                    // As it should be.
                }
            },
            iter: 300);

    [Fact]
    public void TryRead_WhatIsBetterLeftToOnnxRuntime_IsNull()
    {
        Assert.Null(Read("missing.onnx", null));
        Assert.Null(Read("empty.onnx", []));
        Assert.Null(Read("cut.onnx", Graph.Value[..1000]));
        using var whole = Read("whole.onnx", Graph.Value);
        Assert.NotNull(whole);
    }

    private GraphWeights? Read(string name, byte[]? content)
    {
        var path = Path.Combine(_directory, name);
        if (content is not null) File.WriteAllBytes(path, content);
        return GraphWeights.TryRead(path, asTheyLie: false);
    }
}
