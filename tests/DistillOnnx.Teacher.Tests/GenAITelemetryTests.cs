using System.Runtime.InteropServices;
using DistillOnnx.Core;
using DistillOnnx.Teacher.Clients;
using DistillOnnx.Teacher.Prompts;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Teacher.Tests;

/// <summary>ONNX Runtime GenAI brings ONNX Runtime, whose telemetry is off before its first use.</summary>
public sealed partial class GenAITelemetryTests
{
    private const string Variable = "ORT_DISABLE_TELEMETRY";

    [Fact]
    public void Open_AnyModel_TurnsTelemetryOffForNativeCode()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "reads the environment by libc");
        Assert.SkipWhen(Environment.GetEnvironmentVariable(Variable) == "0", "the environment asks for telemetry");
        using var directory = new TemporaryDirectory();
        File.WriteAllText(Path.Combine(directory.Path, "genai_config.json"), "{\"model\":{\"type\":\"none\",\"context_length\":8}}");
        _ = Unset(Variable);
        Assert.Throws<InputException>(() => GenAITeacher.Open(directory.Path, PromptStyle.Chat, TimeProvider.System));
        Assert.Equal("1", Marshal.PtrToStringUTF8(Get(Variable)));
    }

    [LibraryImport("libc", EntryPoint = "getenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial IntPtr Get(string name);

    [LibraryImport("libc", EntryPoint = "unsetenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Unset(string name);
}
