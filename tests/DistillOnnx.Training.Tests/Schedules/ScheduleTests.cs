using DistillOnnx.Training.Schedules;

namespace DistillOnnx.Training.Tests.Schedules;

public sealed class ScheduleTests
{
    [Theory]
    [InlineData(ScheduleKind.Linear, 0, 0.25)]
    [InlineData(ScheduleKind.Linear, 3, 1)]
    [InlineData(ScheduleKind.Linear, 4, 1)]
    [InlineData(ScheduleKind.Linear, 9, 0.5)]
    [InlineData(ScheduleKind.Linear, 13, 0.1)]
    [InlineData(ScheduleKind.Constant, 13, 1)]
    [InlineData(ScheduleKind.Cosine, 9, 0.5)]
    public void At_Step_IsOnTheCurve(ScheduleKind kind, int step, double expected) =>
        Assert.Equal(expected, new Schedule(kind, 1, 4, 14).At(step), 1e-12);

    [Fact]
    public void At_EveryStep_IsAboveZero()
    {
        foreach (var kind in Enum.GetValues<ScheduleKind>())
        {
            foreach (var warmup in new[] { 0, 1, 20 })
            {
                var schedule = new Schedule(kind, 1e-3, warmup, 20);
                Assert.All(Enumerable.Range(0, 20), step => Assert.InRange(schedule.At(step), 1e-9, 1e-3));
            }
        }
    }
}
