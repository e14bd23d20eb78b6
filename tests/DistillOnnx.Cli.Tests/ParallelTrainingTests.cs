using System.Diagnostics;
using System.Runtime.InteropServices;
using DistillOnnx.Checkpoints;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Cli.Tests;

/// <summary>Two processes train the student that one trains.</summary>
public sealed class ParallelTrainingTests
{
    [Fact]
    public async Task Train_InTwoProcesses_GivesTheWeightsOfOne()
    {
        Assert.SkipUnless(ProgramPath.Find("mpirun") is not null, "no mpirun on the path; on Debian: openmpi-bin");
        using var task = new TrainingTask(dropout: 0);

        // Nine rows an epoch's last step, of which one is left over: also a step that has nothing for the second process.
        string[] Arguments(string output) =>
            [.. task.Train(output, steps: 8), "--method", "standard", "--evaluate-every", "4", "--threads", "1", "--json"];
        var one = await DistillProcess.Run(Arguments("one"));
        var start = new ProcessStartInfo(
            "mpirun",
            [
                "-n", "2", "--oversubscribe", "--allow-run-as-root",
                "dotnet", DistillProcess.Program, .. Arguments("two"), "--parallel", "mpi",
            ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await DistillProcess.WaitForExit(process);

        Assert.True(one.ExitCode == 0, one.Error);
        Assert.True(process.ExitCode == 0, await error);
        Assert.Single((await output).Split('\n'), l => l.Contains("\"steps\":8", StringComparison.Ordinal));
        using var expected = SafetensorsFile.Open(task["one/model.safetensors"]);
        using var actual = SafetensorsFile.Open(task["two/model.safetensors"]);
        var moved = false;
        foreach (var (name, info) in expected.Tensors)
        {
            Assert.True(expected.TryGetBytes(name, out var left));
            Assert.True(actual.TryGetBytes(name, out var right));
            var (a, b) = (MemoryMarshal.Cast<byte, float>(left).ToArray(), MemoryMarshal.Cast<byte, float>(right).ToArray());
            Assert.Equal(info.ElementCount, b.Length);
            for (var i = 0; i < a.Length; i++) Assert.Equal(a[i], b[i], 2e-4);
            moved |= !a.AsSpan().SequenceEqual(b);
        }

        // Sums in another order differ in their last bits: equal files would mean that one process did all the work.
        Assert.True(moved);
    }

    [Fact]
    public async Task Train_ParallelOutsideAGroup_NamesTheCommand()
    {
        using var task = new TrainingTask(dropout: 0);
        var run = await DistillProcess.Run([.. task.Train("out", steps: 2), "--parallel", "mpi"], ("OMPI_COMM_WORLD_RANK", ""));

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("mpirun -n PROCESSES distill train", run.Error);
        Assert.False(Directory.Exists(task["out"]));
    }
}
