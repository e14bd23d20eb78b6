using DistillOnnx.Core;
using DistillOnnx.Teacher;
using DistillOnnx.Toolchain.Scripting;

namespace DistillOnnx.Toolchain.Tests.Scripting;

/// <summary>Exit codes and last lines of faults.</summary>
public sealed class ExitCodeTests
{
    public static TheoryData<Exception, int> Faults => new()
    {
        { new InputException("the fault"), ExitCode.BadInput },
        { new TeacherException(TeacherFault.Fatal, "the fault"), ExitCode.Failed },
        { new AggregateException(new IOException("the\nfault")), ExitCode.Failed },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Of_Fault_IsItsMessageWithoutNamesOfTypes(Exception fault, int expected)
    {
        Assert.Equal(expected, ExitCode.Of(fault, interrupted: false, out var message));
        Assert.Equal("the fault", message);
    }
}
