using System.Runtime.Intrinsics.X86;

namespace DistillOnnx.Training.Native;

/// <summary>What the processor can do that libtorch makes use of and .NET has no name for.</summary>
internal static class Processor
{
    private const int Features = 7;
    private const int AmxBFloat16 = 1 << 22;
    private const int Avx512BFloat16 = 1 << 5;

    /// <summary>Whether it has instructions for products in bfloat16 (AVX512_BF16 or AMX); never said of others than x86.</summary>
    public static bool MultipliesBFloat16 { get; } = X86Base.IsSupported && X86Base.CpuId(0, 0).Eax >= Features
        && ((X86Base.CpuId(Features, 0).Edx & AmxBFloat16) != 0
            || (X86Base.CpuId(Features, 0).Eax >= 1 && (X86Base.CpuId(Features, 1).Eax & Avx512BFloat16) != 0));
}
