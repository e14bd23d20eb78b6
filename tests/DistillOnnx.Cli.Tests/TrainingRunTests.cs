using System.Diagnostics;

namespace DistillOnnx.Cli.Tests;

/// <summary>What a training run leaves behind when it is stopped, killed, or runs out of disk.</summary>
public sealed class TrainingRunTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly TrainingTask _task = new();

    public void Dispose() => _task.Dispose();

    [Fact]
    public async Task Train_KilledThreeTimes_LeavesAWholeCheckpointAndComesToTheSameWeights()
    {
        Assert.Equal(0, (await DistillProcess.Run(Train("whole"))).ExitCode);
        for (var i = 0; i < 3; i++)
        {
            using var process = DistillProcess.Start([.. Train("killed"), "--resume", "--quiet"]);
            await NextSave("killed");

            // Somewhere in the work of the following steps.
            await Task.Delay(17 * i);
            process.Kill();
            await process.WaitForExitAsync().WaitAsync(Limit);

            var look = await DistillProcess.Run(["evaluate", "--data", In("data"), "--model", In("killed"), "--split", "validation", "--json"]);
            Assert.True(look.ExitCode == 0, look.Error);
            Assert.Contains("\"rows\":8", look.Output);
        }

        var last = await DistillProcess.Run([.. Train("killed"), "--resume"]);

        Assert.True(last.ExitCode == 0, last.Error);
        Assert.Contains("resuming after step", last.Error);
        Assert.True(File.ReadAllBytes(In("whole/model.safetensors")).AsSpan().SequenceEqual(File.ReadAllBytes(In("killed/model.safetensors"))));
    }

    [Fact]
    public async Task Train_Terminated_ExitsWith130AndResumes()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are POSIX's");
        using var process = DistillProcess.Start(Train("stopped"));
        var error = process.StandardError.ReadToEndAsync();
        await NextSave("stopped");
        using (var kill = Process.Start("kill", ["-TERM", $"{process.Id}"])) await kill.WaitForExitAsync().WaitAsync(Limit);
        await DistillProcess.WaitForExit(process);

        Assert.Equal(130, process.ExitCode);
        Assert.Contains("distill: interrupted", await error);
        Assert.DoesNotContain("   at ", await error);
        var resumed = await DistillProcess.Run([.. Train("stopped"), "--resume", "--json"]);
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Contains("\"steps\":200", resumed.Output);
    }

    [Fact]
    public async Task Train_DiskFull_SaysSoAndKeepsTheLastSave()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs a file system of its own, which Linux's namespaces give");
        string Command(string steps, string more) => $"dotnet '{DistillProcess.Program}' train --data '{In("data")}' --student '{In("shape.json")}' --out disk/out --vocabulary-size 120 --batch-size 8 --max-steps {steps} --evaluate-every 2 --device cpu --keep-resume {more}";
        File.WriteAllText(In("run.sh"), $"""
            cd '{In("")}' && mkdir disk && mount -t tmpfs -o size=2m none disk || exit 99
            {Command("4", "--quiet")} > /dev/null || exit 98
            before=$(cat disk/out/model.safetensors disk/out/resume/state.safetensors | sha256sum)
            dd if=/dev/zero of=disk/ballast bs=4096 2> /dev/null
            {Command("8", "--resume")} > /dev/null
            echo "code $?"
            after=$(cat disk/out/model.safetensors disk/out/resume/state.safetensors | sha256sum)
            [ "$before" = "$after" ] && echo kept
            rm disk/ballast
            {Command("8", "--resume --quiet")} > /dev/null && echo resumed
            """);
        using var process = Process.Start(new ProcessStartInfo("unshare", ["--map-root-user", "--mount", "sh", In("run.sh")]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await DistillProcess.WaitForExit(process);
        Assert.SkipWhen(process.ExitCode == 99 || (await error).Contains("unshare", StringComparison.Ordinal), "this system gives no file system of its own to a test");

        Assert.Equal(["code 1", "kept", "resumed"], (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Matches("distill: .*disk/out: the checkpoint cannot be saved: .*; the last save stands", await error);
        Assert.DoesNotContain("   at ", await error);
    }

    private string In(string name) => _task[name];

    private string[] Train(string output) => [.. _task.Train(output, steps: 200), "--evaluate-every", "25", "--save-every", "1"];

    /// <summary>Waits until the run has saved once more than it had.</summary>
    private async Task NextSave(string output)
    {
        var path = In($"{output}/resume/state.safetensors");
        var before = File.Exists(path) ? File.GetLastWriteTimeUtc(path) : DateTime.MinValue;
        for (var waited = TimeSpan.Zero; waited < Limit; waited += TimeSpan.FromMilliseconds(10))
        {
            if (File.Exists(path) && File.GetLastWriteTimeUtc(path) > before) return;
            await Task.Delay(10);
        }

        Assert.Fail($"{path}: no save within {Limit}");
    }
}
