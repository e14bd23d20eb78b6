using System.Text;
using System.Text.Json.Nodes;
using DistillOnnx.Core.Native;
using DistillOnnx.Training.Native;

namespace DistillOnnx.Cli.Tests;

/// <summary>
/// Where the program takes libtorch from. A build without one (<c>-p:LibTorch=external</c>) is tested with the libtorch that
/// <see cref="LibTorchFolder.Variable"/> names.
/// </summary>
public sealed class LibTorchTests
{
    /// <summary>A function that TorchSharp's library calls, and that libtorch itself does not.</summary>
    private const string CalledFunction = "_ZN2at23set_num_interop_threadsEi";

    [Fact]
    public async Task Info_BuildWithLibTorch_TellsItsOwn()
    {
        Assert.SkipWhen(LibTorch.IsExternal, "this build brings no libtorch");
        var info = await Info();
        Assert.True((bool)info["torch"]!["loads"]!, info.ToJsonString());
        Assert.Equal("package", (string)info["lib_torch"]!["source"]!);
        Assert.Equal("2.10.0", (string)info["lib_torch"]!["version"]!);
    }

    [Fact]
    public async Task Info_BuildWithLibTorchAndAFolder_IsRefused()
    {
        Assert.SkipWhen(LibTorch.IsExternal, "this build takes the folder");
        var info = await Info("--libtorch", AppContext.BaseDirectory);
        Assert.False((bool)info["torch"]!["loads"]!);
        Assert.Contains("this build brings its own", (string)info["torch"]!["fault"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_ExternalLibTorch_TrainsWithTheOneThatIsNamed()
    {
        var folder = External();
        var info = await Info("--libtorch", folder);
        Assert.True((bool)info["torch"]!["loads"]!, info.ToJsonString());
        Assert.Equal("external", (string)info["lib_torch"]!["source"]!);
        Assert.Equal(folder, (string)info["lib_torch"]!["folder"]!);
        Assert.False(File.Exists(Path.Combine(AppContext.BaseDirectory, "libtorch_cpu.so")));

        using var task = new TrainingTask(dropout: 0);
        var run = await DistillProcess.Run([.. task.Train("out", steps: 2), "--libtorch", folder], (LibTorchFolder.Variable, "/nowhere"));
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.True(File.Exists(task["out/model.safetensors"]));
    }

    [Fact]
    public async Task Train_ExternalLibTorchNotNamed_SaysHowToNameIt()
    {
        External();
        using var task = new TrainingTask(dropout: 0);
        var run = await DistillProcess.Run(task.Train("out", steps: 2), (LibTorchFolder.Variable, ""));
        Assert.Equal(2, run.ExitCode);
        Assert.Contains($"with --libtorch DIR or {LibTorchFolder.Variable}", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_FolderWithoutLibTorch_IsNamed()
    {
        External();
        using var task = new TrainingTask(dropout: 0);
        var run = await DistillProcess.Run([.. task.Train("out", steps: 2), "--libtorch", task["data"]]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains($"{task["data"]}: no libtorch.so there", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_LibTorchWithoutAFunctionThatIsCalled_IsRefusedBeforeTheRun()
    {
        var folder = External();
        using var task = new TrainingTask(dropout: 0);
        var other = Directory.CreateDirectory(task["lib"]).FullName;
        foreach (var file in Directory.GetFiles(folder)) File.CreateSymbolicLink(Path.Combine(other, Path.GetFileName(file)), file);
        var changed = Path.Combine(other, "libtorch_cpu.so");
        File.Delete(changed);
        File.Copy(Path.Combine(folder, "libtorch_cpu.so"), changed);
        Rename(changed, CalledFunction);

        var run = await DistillProcess.Run([.. task.Train("out", steps: 2), "--libtorch", other]);
        Assert.True(run.ExitCode == 2, run.Error);
        Assert.Contains($"undefined symbol: {CalledFunction}", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'), l => l.Contains(CalledFunction, StringComparison.Ordinal));
    }

    private static string External()
    {
        Assert.SkipUnless(LibTorch.IsExternal, "this build brings a libtorch");
        Assert.SkipUnless(LibTorchFolder.Path is not null, $"{LibTorchFolder.Variable} names no libtorch");
        return LibTorchFolder.Path!;
    }

    private static async Task<JsonNode> Info(params string[] arguments)
    {
        var run = await DistillProcess.Run(["info", "--json", .. arguments]);
        Assert.True(run.ExitCode == 0, run.Error);
        return JsonNode.Parse(run.Output)!;
    }

    /// <summary>Takes a function away from a library, by a letter of its name.</summary>
    private static void Rename(string library, string function)
    {
        var (bytes, name) = (File.ReadAllBytes(library), Encoding.ASCII.GetBytes($"\0{function}\0"));
        using var file = File.OpenHandle(library, FileMode.Open, FileAccess.Write);
        var found = 0;

        // The name stands in the table of the debugger's symbols too.
        for (int start = 0, at; (at = bytes.AsSpan(start).IndexOf(name)) >= 0; start += at + 1, found++)
            RandomAccess.Write(file, "Q"u8, start + at + function.Length);
        Assert.NotEqual(0, found);
    }
}
