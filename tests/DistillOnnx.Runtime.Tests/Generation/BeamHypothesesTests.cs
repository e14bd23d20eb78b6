using DistillOnnx.Runtime.Generation;

namespace DistillOnnx.Runtime.Tests.Generation;

public sealed class BeamHypothesesTests
{
    [Fact]
    public void Best_MoreThanBeams_KeepsTheBestByMeanLogProbability()
    {
        var hypotheses = new BeamHypotheses(2, 1, earlyStopping: false);
        hypotheses.Add([0, 5], -3, end: 1);
        hypotheses.Add([0, 5, 6], -3.6, end: 1);
        hypotheses.Add([0, 7], -9, end: 1);
        Assert.Equal([0, 5, 6], hypotheses.Best().Tokens);
    }

    [Theory]
    [InlineData(-2.0, false)]
    [InlineData(-4.1, true)]
    public void IsDone_FullSet_ComparesItsWorstWithTheBestCandidate(double best, bool done)
    {
        var hypotheses = new BeamHypotheses(2, 1, earlyStopping: false);
        hypotheses.Add([0, 5], -2, end: 1);
        Assert.False(hypotheses.IsDone(-1000, 2));
        hypotheses.Add([0, 6], -4, end: 1);
        Assert.Equal(done, hypotheses.IsDone(best, 2));
    }

    [Fact]
    public void IsDone_EarlyStopping_IsAsSoonAsTheSetIsFull()
    {
        var hypotheses = new BeamHypotheses(1, 1, earlyStopping: true);
        hypotheses.Add([0, 5], -9, end: 1);
        Assert.True(hypotheses.IsDone(0, 2));
    }

    [Fact]
    public void Add_LengthPenaltyZero_ComparesSums()
    {
        var hypotheses = new BeamHypotheses(1, 0, earlyStopping: false);
        hypotheses.Add([0, 5], -3, end: 1);
        hypotheses.Add([0, 5, 6, 7], -3.1, end: 1);
        Assert.Equal([0, 5], hypotheses.Best().Tokens);
    }
}
