using DistillOnnx.Toolchain.Study;

namespace DistillOnnx.Toolchain.Tests.Study;

public sealed class RowsRatioTests
{
    private static readonly Dictionary<string, string> Same = new() { ["d"] = "d" };

    [Fact]
    public void On_CurveThatCrosses_IsInterpolatedOverTheLogarithmOfRows()
    {
        (int, double)[] curve = [(400, 0.9), (100, 0.5)];

        var needed = RowsNeeded.On(curve, 0.7);

        Assert.Equal(200, needed.Low, 9);
        Assert.Equal(200, needed.High, 9);
        Assert.Equal(400, RowsNeeded.On(curve, 0.9).High, 9);
    }

    [Fact]
    public void On_CurveThatFallsAgain_CountsTheFirstCrossing() =>
        Assert.Equal(200, RowsNeeded.On([(100, 0.5), (200, 0.8), (400, 0.7), (800, 0.9)], 0.8).High, 9);

    [Fact]
    public void On_AccuracyOutsideTheCurve_GivesAnEnd()
    {
        (int, double)[] curve = [(100, 0.5), (400, 0.9)];

        Assert.Equal(new RowsNeeded(0, 100), RowsNeeded.On(curve, 0.4));
        Assert.Equal(new RowsNeeded(400, double.PositiveInfinity), RowsNeeded.On(curve, 0.95));
    }

    [Fact]
    public void Of_CurvesThatCross_GivesTheGeometricMeanAndItsInterval()
    {
        // With seed 0 the method needs 200 rows of 400, with seed 1 100 of 400.
        var runs = Runs("standard", 0, (100, 0.5), (400, 0.8)).Concat(Runs("standard", 1, (100, 0.5), (400, 0.8)))
            .Concat(Runs("step-by-step", 0, (50, 0.5), (200, 0.8), (400, 0.8)))
            .Concat(Runs("step-by-step", 1, (50, 0.5), (100, 0.8), (400, 0.8)));

        var ratio = Assert.Single(Of(runs, 0.8)["0.8"]);

        var reach = 12.706 * (Math.Log(2) / 2);
        Assert.Equal(("step-by-step", 2, RatioBound.Exact), (ratio.Method, ratio.Seeds, ratio.Bound));
        Assert.Equal(Math.Sqrt(0.5 * 0.25), ratio.Ratio, 9);
        Assert.Equal(ratio.Ratio * Math.Exp(-reach), ratio.Low!.Value, 9);
        Assert.Equal(ratio.Ratio * Math.Exp(reach), ratio.High!.Value, 9);
    }

    [Fact]
    public void Of_AccuraciesThatAreNear_AreToldApart()
    {
        var runs = Runs("standard", 0, (100, 0.5), (400, 0.8)).Concat(Runs("step-by-step", 0, (100, 0.5), (400, 0.9)));

        Assert.Equal(["0.7001", "0.7002"], StudyRatio.Of([.. runs], "standard", Same, [0.7002, 0.7001]).Keys);
    }

    [Fact]
    public void Of_ReferenceThatDoesNotGetThere_GivesABoundAndOneSeedNoInterval()
    {
        var runs = Runs("standard", 0, (100, 0.5), (400, 0.6)).Concat(Runs("step-by-step", 0, (100, 0.5), (400, 0.9)));

        var ratio = Assert.Single(Of(runs, 0.7)["0.7"]);

        Assert.Equal(RatioBound.AtMost, ratio.Bound);
        Assert.Equal(0.5, ratio.Ratio, 9);
        Assert.Null(ratio.Low);
        Assert.Null(ratio.High);
    }

    [Fact]
    public void Of_MethodThatDoesNotGetThere_GivesTheOtherBound()
    {
        var runs = Runs("standard", 0, (100, 0.5), (400, 0.9)).Concat(Runs("step-by-step", 0, (100, 0.5), (400, 0.6)));

        var ratio = Assert.Single(Of(runs, 0.7)["0.7"]);

        Assert.Equal(RatioBound.AtLeast, ratio.Bound);
        Assert.Equal(2, ratio.Ratio, 9);
    }

    [Fact]
    public void Of_AccuracyThatNeitherReachesOrBothDoAtOnce_IsLeftOut()
    {
        var runs = Runs("standard", 0, (100, 0.5), (400, 0.6)).Concat(Runs("step-by-step", 0, (100, 0.5), (400, 0.6)));

        Assert.Empty(Of(runs, 0.9));
        Assert.Empty(Of(runs, 0.4));
        Assert.Equal(["0.55", "0.6"], StudyRatio.Of([.. runs], "standard", Same, []).Keys);
    }

    [Fact]
    public void SmallestStudent_IsTheOneWithTheFewestWeightsThatIsAsGoodAsTheTeacher()
    {
        StudyRun Run(string student, long parameters, double accuracy) =>
            new()
            {
                Data = "d",
                Student = student,
                Method = "m",
                Fraction = 1,
                Seed = 0,
                TrainRows = 9,
                Parameters = parameters,
                Accuracy = accuracy,
            };
        StudyRun[] runs = [Run("large", 300, 0.95), Run("small", 100, 0.7), Run("middle", 200, 0.9)];

        var found = Assert.Single(SmallestStudent.Of(runs, new Dictionary<string, double> { ["d"] = 0.9 }));
        var none = Assert.Single(SmallestStudent.Of(runs, new Dictionary<string, double> { ["d"] = 0.99 }));

        Assert.Equal(("middle", 200, 9, 0.9), (found.Student, found.Parameters, found.TrainRows, found.Accuracy));
        Assert.Equal((0.99, null), (none.TeacherAccuracy, none.Student));
        Assert.Empty(SmallestStudent.Of(runs, new Dictionary<string, double>()));
    }

    private static IReadOnlyDictionary<string, IReadOnlyList<StudyRatio>> Of(IEnumerable<StudyRun> runs, double accuracy) =>
        StudyRatio.Of([.. runs], "standard", Same, [accuracy]);

    private static IEnumerable<StudyRun> Runs(string method, long seed, params (int Rows, double Accuracy)[] curve) =>
        curve.Select(p => new StudyRun
        {
            Data = "d",
            Student = "s",
            Method = method,
            Fraction = 1,
            Seed = seed,
            TrainRows = p.Rows,
            Accuracy = p.Accuracy,
        });
}
