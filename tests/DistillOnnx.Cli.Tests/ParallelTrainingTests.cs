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
    public async Task Train_OneOfTwoProcessesFails_EndsBothWithItsMessage()
    {
        Assert.SkipUnless(ProgramPath.Find("mpirun") is not null, "no mpirun on the path; on Debian: openmpi-bin");
        using var task = new TrainingTask(dropout: 0);
        string[] train = ["dotnet", DistillProcess.Program, .. task.Train("out", steps: 8), "--threads", "1", "--parallel", "mpi"];
        var start = new ProcessStartInfo(
            "mpirun",
            ["--oversubscribe", "--allow-run-as-root", "-n", "1", .. train, ":", "-n", "1", .. train, "--tokenizer", task["nowhere"]])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await DistillProcess.WaitForExit(process);

        Assert.NotEqual(0, process.ExitCode);
        Assert.Contains("distill: --vocabulary-size: no tokenizer is trained", await error, StringComparison.Ordinal);
        Assert.DoesNotContain("\"steps\"", await output, StringComparison.Ordinal);
    }

    /// <summary>With a stand-in for MPI's library, which writes down how the process ends its part.</summary>
    [Theory]
    [InlineData(false, 0, "MPI_Finalize")]
    [InlineData(true, 2, "MPI_Abort 2")]
    public async Task Train_ProcessOfAGroup_AbortsItWhereItFailsAfterItsMessage(bool fails, int code, string last)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && ProgramPath.Find("cc") is not null, "no Linux, or no C compiler on the path");
        using var task = new TrainingTask(dropout: 0);
        File.WriteAllText(
            task["mpi.c"],
            """
            #include <stdio.h>
            #include <unistd.h>
            int ompi_mpi_comm_world, ompi_mpi_float, ompi_mpi_double, ompi_mpi_op_sum;
            int MPI_Init(int *count, char ***values) { return 0; }
            int MPI_Comm_rank(void *comm, int *rank) { *rank = 0; return 0; }
            int MPI_Comm_size(void *comm, int *size) { *size = 1; return 0; }
            int MPI_Allreduce(void *from, void *to, int count, void *type, void *op, void *comm) { return 0; }
            int MPI_Finalize(void) { fprintf(stderr, "MPI_Finalize\n"); return 0; }
            int MPI_Abort(void *comm, int code) { fprintf(stderr, "MPI_Abort %d\n", code); _exit(code); }
            """);
        using var compiler = Process.Start("cc", ["-shared", "-fPIC", "-o", task["libmpi.so.40"], task["mpi.c"]]);
        await DistillProcess.WaitForExit(compiler);

        var run = await DistillProcess.Run(
            [.. task.Train("out", steps: 2), "--parallel", "mpi", .. fails ? ["--tokenizer", task["nowhere"]] : Array.Empty<string>()],
            ("OMPI_COMM_WORLD_RANK", "0"),
            ("LD_LIBRARY_PATH", task[""]));

        Assert.Equal((code, last), (run.ExitCode, run.Error.TrimEnd().Split('\n')[^1]));
        Assert.Equal(fails, run.Error.Contains("distill: --vocabulary-size: no tokenizer is trained", StringComparison.Ordinal));
        Assert.Equal(!fails, File.Exists(task["out/model.safetensors"]));
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
