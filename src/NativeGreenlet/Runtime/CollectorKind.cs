using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeGreenlet.Stacks;

namespace NativeGreenlet.Runtime;

/// <summary>Whether the garbage collector is conservative: scans stacks word by word, and moves nothing that a word could
/// refer to.</summary>
internal static unsafe class CollectorKind
{
    /// <summary>The variable that makes it so. The runtime reads it when it starts, from the environment only.</summary>
    public const string Variable = "DOTNET_gcConservative";

    private const string OldVariable = "COMPlus_gcConservative";
    private const int Samples = 16;

    /// <summary>Whether it seems to be so: the environment asks for it, that which the process was started with or what the
    /// program has made of it. Windows has but one, and the first is lost when the program changes it: there the collector is
    /// asked.</summary>
    public static bool IsAskedFor => IsSet(Variable) || IsSet(OldVariable) || (OperatingSystem.IsWindows() && IsConfigured() != false);

    /// <summary>What the collector's own configuration says; null if it does not say.</summary>
    public static bool? IsConfigured()
    {
        // What GC.GetConfigurationVariables calls, which leaves out what has no public name.
        MethodInfo? method = typeof(GC).GetMethod("_EnumerateConfigurationValues", BindingFlags.Static | BindingFlags.NonPublic);
        if (method?.GetParameters() is not [{ ParameterType.IsPointer: true }, { ParameterType.IsFunctionPointer: true }])
        {
            return null;
        }

        int answer = -1;
        ((delegate*<void*, delegate* unmanaged<int*, byte*, byte*, int, long, void>, void>)method.MethodHandle.GetFunctionPointer())(&answer, &Hear);
        return answer < 0 ? null : answer != 0;
    }

    /// <summary>Whether it is so. Collects the youngest generation, so ask only where it seems to be.</summary>
    public static bool IsConservative()
    {
        bool isConservative = false;
        Thread thread = new(() => isConservative = KeepsWhatWordsReferTo()) { IsBackground = true, Name = "NativeGreenlet calibration" };
        ThreadSupply.Start(thread);
        thread.Join();
        return isConservative;
    }

    [UnmanagedCallersOnly]
    private static void Hear(int* answer, byte* name, byte* publicName, int type, long value)
    {
        if (MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name).SequenceEqual("ConservativeGC"u8))
        {
            *answer = (byte)value;
        }
    }

    // Objects that nothing refers to but numbers on the stack.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static bool KeepsWhatWordsReferTo()
    {
        nint* words = stackalloc nint[Samples];
        WeakReference[] references = new WeakReference[Samples];
        for (int i = 0; i < Samples; i++)
        {
            references[i] = Hide(&words[i]);
        }

        GC.Collect(0, GCCollectionMode.Forced, blocking: true);
        bool areAlive = Array.TrueForAll(references, reference => reference.IsAlive);
        Volatile.Write(ref words[0], 0); // they were in use until here
        return areAlive;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Hide(nint* word)
    {
        object target = new();
        *word = *(nint*)Unsafe.AsPointer(ref target);
        return new WeakReference(target);
    }

    // In hexadecimal, as the runtime reads it. The managed environment is a copy, which the program may have changed since.
    private static bool IsSet(string variable) =>
        IsOn(Environment.GetEnvironmentVariable(variable)) || (!OperatingSystem.IsWindows() && IsOn(Marshal.PtrToStringUTF8(GetEnvironmentVariable(variable))));

    private static bool IsOn(string? text) =>
        uint.TryParse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out uint value) && value != 0;

    private static nint GetEnvironmentVariable(string variable)
    {
        nint name = Marshal.StringToCoTaskMemUTF8(variable);
        try
        {
            return NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "getenv", out nint address)
                ? ((delegate* unmanaged[Cdecl]<nint, nint>)address)(name)
                : 0;
        }
        finally
        {
            Marshal.FreeCoTaskMem(name);
        }
    }
}
