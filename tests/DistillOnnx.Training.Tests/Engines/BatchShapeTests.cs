using DistillOnnx.Core.T5;
using DistillOnnx.Training.Engines.Script;
using DistillOnnx.Training.Native;
using static TorchSharp.torch;

namespace DistillOnnx.Training.Tests.Engines;

public sealed class BatchShapeTests
{
    private static readonly BatchShape Some = new(64, 48, 32, 2000, 200, 1200, 8, 4);

    [Fact]
    public void Within_OfShapesThatHoldIt_IsTheCheapest()
    {
        BatchShape[] known = [Some with { SourceColumns = 64, Sources = 2100 }, Some with { Sources = 2050 }, Some with { Sources = 1900 }];

        Assert.Equal(known[1], Some.Within(known));
    }

    public static TheoryData<string> Others => ["fewer rows", "twice the cells", "a quarter more tokens", "no labels", "no sets"];

    [Theory]
    [MemberData(nameof(Others))]
    public void Within_OfShapesThatDoNotHoldItOrCostMuchMore_IsNone(string other)
    {
        var known = other switch
        {
            "fewer rows" => Some with { Rows = 56 },
            "twice the cells" => Some with { Rows = 128 },
            "a quarter more tokens" => Some with { Sources = 2900 },
            "no labels" => Some with { Labels = 0, Rationales = 1400 },
            _ => Some with { Sets = 0, SetTokens = 0 },
        };

        Assert.Null(Some.Within([known]));
    }

    /// <summary>Batches that differ a little share a shape; on a CPU, where a shape costs nothing, each has its own.</summary>
    [Fact]
    public void Make_OfBatchesLikeOthers_FillsThemUp()
    {
        LibTorch.Load();
        var config = EngineGradientTests.Config(T5Activation.Relu, false, true, 32, 16, 2);
        using var gpu = new ScriptBatch(config, CPU, ShapeSteps.Gpu);
        using var cpu = new ScriptBatch(config, CPU, ShapeSteps.None);
        for (var i = 0; i < 60; i++)
        {
            var batch = EngineGradientTests.Batch(70, 40 + (i % 7), longest: 40 + (i % 11));
            gpu.Make(batch);
            cpu.Make(batch);
        }

        Assert.InRange(gpu.Shapes, 1, 20);
        Assert.InRange(cpu.Shapes, 60, 77);
    }
}
