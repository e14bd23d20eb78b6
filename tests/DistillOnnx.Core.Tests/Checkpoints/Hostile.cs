using DistillOnnx.Checkpoints;

namespace DistillOnnx.Core.Tests.Checkpoints;

/// <summary>What is asked of every file that is not what it claims to be.</summary>
internal static class Hostile
{
    private const long MostBytes = 96 << 20;

    /// <summary>Opens a checkpoint that must be refused: by one clear line, with little memory.</summary>
    public static string AssertRefused(string directory, string what)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Record.Exception(() =>
        {
            using var checkpoint = Checkpoint.Open(directory);
        });
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(error is InputException, $"{what}: expected an InputException, got {error?.ToString() ?? "none"}");
        AssertClear(error!.Message, directory);
        Assert.True(allocated < MostBytes, $"{what}: {allocated} bytes allocated");
        return error.Message;
    }

    /// <summary>Opens and reads a checkpoint that may or may not be sound: if it is refused, by one clear line.</summary>
    public static bool OpensOrIsRefused(string directory, string what)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            using var checkpoint = Checkpoint.Open(directory);
            foreach (var tensor in checkpoint.Tensors.Tensors.Values)
                checkpoint.Tensors.ReadFloat32(tensor.Name, new float[tensor.ElementCount]);
            return true;
        }
        catch (InputException e)
        {
            AssertClear(e.Message, directory);
            return false;
        }
        finally
        {
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < MostBytes, what);
        }
    }

    private static void AssertClear(string message, string directory)
    {
        Assert.DoesNotContain(message, char.IsControl);
        Assert.InRange(message.Length, 10, 1000);
        Assert.Contains(Path.GetFileName(directory), message);
    }
}
