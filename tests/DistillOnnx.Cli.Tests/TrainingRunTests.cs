using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;

namespace DistillOnnx.Cli.Tests;

/// <summary>What a training run leaves behind when it is stopped, killed, or runs out of disk.</summary>
public sealed class TrainingRunTests : IDisposable
{
    /// <summary>Steps of a run that continues until it is stopped.</summary>
    private const int Endless = 1_000_000;

    /// <summary>Part of the line that reports an evaluation.</summary>
    private const string Evaluated = ": train label";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly TrainingTask _task = new();

    public void Dispose() => _task.Dispose();

    [Fact]
    public async Task Train_KilledThreeTimes_LeavesAWholeCheckpointAndComesToTheSameWeights()
    {
        for (var i = 0; i < 3; i++)
        {
            using var process = DistillProcess.Start([.. Train("killed", Endless), "--resume"]);

            // The evaluation is reported right before its weights are saved.
            await Line(process.StandardError, Evaluated);
            process.Kill();
            await process.WaitForExitAsync().WaitAsync(Limit);

            var evaluated = await DistillProcess.Run(
                ["evaluate", "--data", In("data"), "--model", In("killed"), "--split", "validation", "--json"]);
            Assert.True(evaluated.ExitCode == 0, evaluated.Error);
            Assert.Contains("\"rows\":8", evaluated.Output);
        }

        // How far the last run came before it was killed is the system's choice, so the end is set behind that.
        var steps = Steps("killed") + 30;
        Assert.Equal(0, (await DistillProcess.Run(Train("whole", steps))).ExitCode);
        var last = await DistillProcess.Run([.. Train("killed", steps), "--resume"]);

        Assert.True(last.ExitCode == 0, last.Error);
        Assert.Contains("resuming after step", last.Error);
        Assert.True(
            File.ReadAllBytes(In("whole/model.safetensors")).AsSpan().SequenceEqual(File.ReadAllBytes(In("killed/model.safetensors"))));
    }

    [Fact]
    public async Task Train_Terminated_ExitsWith130AndResumes()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are POSIX's");
        using var process = DistillProcess.Start(Train("stopped", Endless));
        var before = await Line(process.StandardError, Evaluated);
        var rest = process.StandardError.ReadToEndAsync();
        using (var kill = Process.Start("kill", ["-TERM", $"{process.Id}"])) await kill.WaitForExitAsync().WaitAsync(Limit);
        await DistillProcess.WaitForExit(process);
        var error = before + await rest;

        Assert.Equal(130, process.ExitCode);
        Assert.Contains("distill: interrupted", error);
        Assert.DoesNotContain("   at ", error);
        var steps = Steps("stopped") + 10;
        var resumed = await DistillProcess.Run([.. Train("stopped", steps), "--resume", "--json"]);
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Contains($"\"steps\":{steps}", resumed.Output);
    }

    [Fact]
    public async Task Train_DiskFull_ReportsItAndKeepsTheLastSave()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs a file system of its own, which Linux's namespaces give");
        string Command(string steps, string more) =>
            $"dotnet '{DistillProcess.Program}' train --data '{In("data")}' --student '{In("shape.json")}' --out "
                + $"disk/out --vocabulary-size 120 --batch-size 8 --max-steps {steps} --evaluate-every 2 --device cpu --keep-resume {more}";
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
        using var process = Process.Start(new ProcessStartInfo(
            "unshare",
            ["--map-root-user", "--mount", "sh", In("run.sh")])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await DistillProcess.WaitForExit(process);
        Assert.SkipWhen(
            process.ExitCode == 99 || (await error).Contains("unshare", StringComparison.Ordinal),
            "this system gives no file system of its own to a test");

        Assert.Equal(["code 1", "kept", "resumed"], (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Matches("distill: .*disk/out: the checkpoint cannot be saved: .*; the last save stands", await error);
        Assert.DoesNotContain("   at ", await error);
    }

    private string In(string name) => _task[name];

    /// <summary>Arguments of a run whose steps do not depend on how many there will be.</summary>
    private string[] Train(string output, int steps) =>
    [
        .. _task.Train(output, steps), "--schedule", "constant", "--warmup-steps", "10", "--evaluate-every", "25", "--save-every", "1",
        "--keep-resume",
    ];

    /// <summary>Steps of the last save.</summary>
    private int Steps(string output) => (int)JsonNode.Parse(File.ReadAllText(In($"{output}/training.json")))!["steps"]!;

    /// <summary>Reads until a line has a text.</summary>
    /// <returns>All lines read.</returns>
    private static async Task<string> Line(StreamReader reader, string text)
    {
        var lines = new StringBuilder();
        while (await reader.ReadLineAsync().WaitAsync(Limit) is { } line)
        {
            lines.AppendLine(line);
            if (line.Contains(text, StringComparison.Ordinal)) return lines.ToString();
        }

        Assert.Fail($"no line with \"{text}\" in: {lines}");
        return "";
    }
}
