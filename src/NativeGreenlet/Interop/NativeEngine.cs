using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeGreenlet.Interop;

/// <summary>Finds and checks the native library, once.</summary>
internal static unsafe class NativeEngine
{
    /// <summary>An environment variable with the path of the library to use instead of the one beside the assembly.</summary>
    public const string PathVariable = "NATIVEGREENLET_LIBRARY";

    // Set by src/NativeGreenlet/build/Package.targets in programs that use the package.
    private const string PlatformsSetting = "NativeGreenlet.PackagedPlatforms";

    private const string Name = "nativegreenlet";

    // With "lib" on every platform, or it would be NativeGreenlet.dll on Windows, which is this assembly.
    private const string FileName = "libnativegreenlet";

    private static readonly Lock s_lock = new();
    private static nint s_handle;

    /// <summary>Whether the library was loaded; does not try.</summary>
    public static bool IsLoaded => Volatile.Read(ref s_handle) != 0;

    /// <summary>Whether this is a platform that the library is built for, so that its absence is a mistake. A program that has
    /// NativeGreenlet from a package knows which those are.</summary>
    public static bool IsExpectedHere => AppContext.GetData(PlatformsSetting) is string platforms
        ? platforms.Split(',').Contains(Platform)
        : RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64
            && (OperatingSystem.IsLinux() || OperatingSystem.IsMacOS() || OperatingSystem.IsWindows());

    // As packages name it: what a distribution calls its own runtime may have other names.
    private static string Platform
    {
        get
        {
            string system = OperatingSystem.IsWindows() ? "win"
                : OperatingSystem.IsMacOS() ? "osx"
                : !OperatingSystem.IsLinux() ? "other"
                : RuntimeInformation.RuntimeIdentifier.Contains("musl", StringComparison.Ordinal) || RuntimeInformation.RuntimeIdentifier.StartsWith("alpine", StringComparison.Ordinal) ? "linux-musl"
                : "linux";
            return $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        }
    }

    /// <summary>The loaded library.</summary>
    /// <exception cref="GreenletException">It is missing, or of another version.</exception>
    public static nint Handle
    {
        get
        {
            lock (s_lock)
            {
                return s_handle != 0 ? s_handle : s_handle = Load();
            }
        }
    }

    /// <summary>Whether the library can slice stacks on this platform.</summary>
    public static bool HasSlices
    {
        get
        {
            ng_slices_config config = NativeMethods.ng_slices_config_default();
            ng_slices* slices;
            ng_status status = NativeMethods.ng_slices_create(&config, &slices);
            _ = NativeMethods.ng_slices_destroy(slices);
            return status != ng_status.ERROR_NOT_SUPPORTED;
        }
    }

    /// <summary>The address of a function, for calls through a pointer, which cost less than <c>DllImport</c>.</summary>
    public static nint Export(string function) => NativeLibrary.GetExport(Handle, function);

    /// <summary>What a status means, in words.</summary>
    public static string Message(ng_status status) =>
        Marshal.PtrToStringUTF8((nint)NativeMethods.ng_status_message(status)) ?? status.ToString();

    // Before anything of this assembly is compiled: the compiler binds a call without GC transition as soon as it sees it,
    // which may be before anybody has asked for the handle.
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255:The 'ModuleInitializer' attribute should not be used in libraries", Justification = "Nothing else comes early enough.")]
    internal static void Initialize() =>
        NativeLibrary.SetDllImportResolver(typeof(NativeEngine).Assembly, static (name, _, _) => name == Name ? Handle : 0);

    private static nint Load()
    {
        Assembly assembly = typeof(NativeEngine).Assembly;
        string? path = Environment.GetEnvironmentVariable(PathVariable);
        nint handle;
        if (!string.IsNullOrEmpty(path))
        {
            if (!NativeLibrary.TryLoad(path, out handle))
            {
                throw Missing($"{PathVariable} names '{path}', which could not be loaded.{Why(path)}");
            }
        }
        else if (!NativeLibrary.TryLoad(FileName, assembly, DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories, out handle))
        {
            throw Missing($"No '{FileName}' for {RuntimeInformation.RuntimeIdentifier} was found beside {assembly.GetName().Name}.dll.{Why(FileName)}");
        }

        // Not by way of NativeMethods, which would lead back here.
        uint? version = NativeLibrary.TryGetExport(handle, nameof(NativeMethods.ng_abi_version), out nint function)
            ? ((delegate* unmanaged[Cdecl]<uint>)function)()
            : null;
        if (version == NativeMethods.NG_ABI_VERSION)
        {
            return handle;
        }

        string which = string.IsNullOrEmpty(path) ? $"The '{FileName}' that was found" : $"{PathVariable} names '{path}', which";
        throw Missing(version is null
            ? $"{which} is another library: it has no {nameof(NativeMethods.ng_abi_version)}."
            : $"The native library has interface version {version}; this assembly needs {NativeMethods.NG_ABI_VERSION}.");
    }

    // The system's reason, where it is another than that there is no file: no descriptor or no memory, for example.
    private static string Why(string name)
    {
        try
        {
            NativeLibrary.Free(NativeLibrary.Load(name, typeof(NativeEngine).Assembly, DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories));
            return " Now it can be: it was a failure of the moment.";
        }
        catch (Exception exception) when (exception is DllNotFoundException or BadImageFormatException)
        {
            return $" {string.Join(' ', exception.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))}";
        }
    }

    private static GreenletException Missing(string what) => new(
        GreenletError.NativeLibraryMissing,
        $"The native library of NativeGreenlet is missing, or cannot be loaded. {what} Build it with './build.sh' ('./build.ps1' on Windows) in a clone of NativeGreenlet, which needs CMake and a C compiler, and rebuild your program; or set NATIVEGREENLET_BACKEND=threads to run greenlets as OS threads, without it.");
}
