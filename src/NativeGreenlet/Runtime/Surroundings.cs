using System.Runtime.CompilerServices;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>What the choice of a backend looks at: the runtime and the platform of this process. Tests put others in its
/// place.</summary>
internal unsafe class Surroundings
{
    /// <summary>Whether the native library is built for this platform, so that its absence is a mistake.</summary>
    public virtual bool IsNativeLibraryExpected => NativeEngine.IsExpectedHere;

    /// <summary>Whether the runtime is Mono, whose library may have CoreCLR's name. Asked only where there is no descriptor:
    /// the look-up by name takes milliseconds.</summary>
    protected virtual bool IsMono => Type.GetType("Mono.RuntimeStructs") is not null;

    /// <summary>Whether the program was compiled ahead of time. Asked only where there is no descriptor: a program on CoreCLR
    /// may have switched code generation off.</summary>
    protected virtual bool IsNativeAot => !RuntimeFeature.IsDynamicCodeSupported;

    /// <summary>Reads the runtime's description of itself.</summary>
    /// <exception cref="UnsupportedRuntimeException">There is none that we know how to read.</exception>
    public ContractDescriptor ReadDescriptor()
    {
        if (nint.Size != 8)
        {
            throw new UnsupportedRuntimeException("it is a 32-bit process");
        }

        ContractDescriptor.Header* header = FindDescriptor();
        return header is not null ? ContractDescriptor.Read(header)
            : IsMono ? throw new UnsupportedRuntimeException("it is Mono, not CoreCLR")
            : IsNativeAot ? throw new UnsupportedRuntimeException("it is NativeAOT, not CoreCLR")
            : throw new UnsupportedRuntimeException($"it exports no '{CoreClr.DescriptorExport}', as CoreCLR does from .NET 9 on");
    }

    /// <summary>Where the runtime's description of itself lies; null if it has none.</summary>
    protected virtual ContractDescriptor.Header* FindDescriptor() => CoreClr.FindDescriptor();
}
