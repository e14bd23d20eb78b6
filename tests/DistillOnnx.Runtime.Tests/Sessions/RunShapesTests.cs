using DistillOnnx.Runtime.Sessions;

namespace DistillOnnx.Runtime.Tests.Sessions;

public sealed class RunShapesTests
{
    [Fact]
    public void Rounded_AnyShape_IsNoSmallerAndLittleLarger()
    {
        for (var n = 1; n <= 1024; n++)
        {
            Assert.InRange(RunShapes.Rounded.Rows(n), n, n * 3 / 2);
            Assert.InRange(RunShapes.Rounded.Length(n), n, Math.Max(n + 15, n * 3 / 2));
            Assert.Equal((n, n), (RunShapes.AsTheyAre.Rows(n), RunShapes.AsTheyAre.Length(n)));
        }
    }

    [Fact]
    public void Rounded_UpTo256RowsOf512Tokens_AreFewShapes()
    {
        Assert.Equal(16, Enumerable.Range(1, 256).Select(RunShapes.Rounded.Rows).Distinct().Count());
        Assert.Equal(14, Enumerable.Range(1, 512).Select(RunShapes.Rounded.Length).Distinct().Count());
    }
}
