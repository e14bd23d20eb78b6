using DistillOnnx.Core;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.Tests.Trainer;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Training.Tests.Parallel;

/// <summary>A process waits for the others of its group at its end, but where it has failed alone.</summary>
public sealed class ParallelRunTests
{
    [Fact]
    public void Run_ToItsEnd_LeavesTheGroupWithTheOthers()
    {
        using var directory = new TemporaryDirectory();
        using var group = SimulatedGroup.OfTwins();
        var options = TinyTask.Options(directory);

        Assert.Equal(12, Run(options, group, Reporter.None, CancellationToken.None).Steps);

        Assert.True(group is { HasLeft: true, IsDisposed: true });
        using var again = SimulatedGroup.OfTwins();
        Assert.Equal(12, Run(options with { Resume = true }, again, Reporter.None, CancellationToken.None).Steps);
        Assert.True(again is { HasLeft: true, IsDisposed: true });
    }

    [Fact]
    public void Run_StoppedByAll_LeavesTheGroupWithTheOthers()
    {
        using var directory = new TemporaryDirectory();
        using var group = SimulatedGroup.OfTwins();
        using var source = new CancellationTokenSource();

        Assert.ThrowsAny<OperationCanceledException>(
            () => Run(TinyTask.Options(directory), group, new StopAt(5, source), source.Token));

        Assert.True(group is { HasLeft: true, IsDisposed: true });
        Assert.True(File.Exists(directory["out/resume/state.safetensors"]));
    }

    [Fact]
    public void Run_FaultBeforeTheFirstStep_DoesNotWaitForTheOthers()
    {
        using var directory = new TemporaryDirectory();
        using var group = SimulatedGroup.OfTwins();
        var options = TinyTask.Options(directory);
        File.Delete(Path.Combine(options.Data, "train.jsonl"));

        Assert.Throws<InputException>(() => Run(options, group, Reporter.None, CancellationToken.None));

        Assert.True(group is { HasLeft: false, IsDisposed: true });
    }

    [Fact]
    public void Run_StoppedBeforeTheFirstStep_DoesNotWaitForTheOthers()
    {
        using var directory = new TemporaryDirectory();
        using var group = SimulatedGroup.OfTwins();
        using var source = new CancellationTokenSource();
        source.Cancel();

        Assert.ThrowsAny<OperationCanceledException>(
            () => Run(TinyTask.Options(directory), group, Reporter.None, source.Token));

        Assert.True(group is { HasLeft: false, IsDisposed: true });
    }

    [Fact]
    public void Run_FaultBetweenSteps_DoesNotWaitForTheOthers()
    {
        using var directory = new TemporaryDirectory();
        using var group = new SimulatedGroup(0, 2, values =>
        {
            foreach (ref var value in values) value = (2 * value) + 1;
        });

        var fault = Assert.Throws<InvalidOperationException>(
            () => Run(TinyTask.Options(directory) with { EvaluateEvery = 1 }, group, Reporter.None, CancellationToken.None));

        Assert.Matches(@"^step 1: the processes' weights differ \(norm [0-9.]+ in process 0\); the run cannot go on$", fault.Message);
        Assert.True(group is { HasLeft: false, IsDisposed: true });
    }

    private static RunOutcome Run(TrainOptions options, SimulatedGroup group, IReporter reporter, CancellationToken cancellationToken) =>
        new DatasetRun(options, reporter) { Join = (_, _) => group }.Run(cancellationToken);
}
