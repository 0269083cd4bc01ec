using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Runtime;

/// <summary>
/// What the runtime keeps for a thread while its class loader calls managed code back: which words these are is learned from the
/// load of a type of our own (<c>native/src/clr/loads.c</c>). The type is loaded by the compiler of a method, so that the method
/// that is prepared is seen, too. Linux does without: there a switch searches all of the runtime's thread-local data.
/// </summary>
internal static unsafe class TypeLoads
{
    /// <summary>How many words are told at most.</summary>
    public const int MostWords = 16;

    private const uint ThreadBytes = 1024; // of a Thread object that is looked at; it may end before

    // Written by PersistedAssemblyBuilder; TypeLoadsTests looks at what is in it. In C#, with the base class in this assembly:
    //   public class Loaded : NativeGreenlet.GreenletException;
    //   public static class Loading { public static RuntimeTypeHandle Load() => typeof(Loaded).TypeHandle; } // ldtoken alone
    private const string Image =
        "TVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAgAAAAA4fug4AtAnNIbgBTM0hVGhpcyBwcm9ncmFtIGNhbm5vdCBiZSBydW4g" +
        "aW4gRE9TIG1vZGUuDQ0KJAAAAAAAAABQRQAATAECAP7lDWsAAAAAAAAAAOAAAiALATAAAAQAAAACAAAAAAAASiMAAAAgAAAAQAAAAABAAAAgAAAAAgAABAAAAAAAAAAEAAAAAAAAAABg" +
        "AAAAAgAAAAAAAAMAQIUAABAAABAAAAAAEAAAEAAAAAAAABAAAAAAAAAAAAAAAPgiAABPAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAwAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" +
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIAAACAAAAAAAAAAAAAAACCAAAEgAAAAAAAAAAAAAAC50ZXh0AAAAUAMAAAAgAAAABAAAAAIAAAAAAAAAAAAAAAAAACAAAGAucmVs" +
        "b2MAAAwAAAAAQAAAAAIAAAAGAAAAAAAAAAAAAAAAAABAAABCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAsIwAAAAAAAEgAAAAC" +
        "AAUAYCAAAJgCAAABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB4CKAEAAAoqGtACAAACKgBCU0pCAQABAAAAAAAMAAAAdjQuMC4z" +
        "MDMxOQAAAAAFAGwAAADcAAAAI34AAEgBAACQAAAAI1N0cmluZ3MAAAAA2AEAAAQAAAAjVVMA3AEAABAAAAAjR1VJRAAAAOwBAACsAAAAI0Jsb2IAAAAAAAAAAgAAAUcEAAAJAAAAAPoB" +
        "MwAWAAABAAAAAwAAAAMAAAACAAAAAQAAAAEAAAACAAAAAAAhAAEAAAAAAAYAYQCAAAoAeQBaAAoAQABaAAAAAAABAAAAAAABAAEAAQAAADkAAAAFAAEAAQCBAQAAUgAAAAkAAQACAFAg" +
        "AAAAAAYYcwABAAEAWCAAAAAAFgA0AKcAAQAJAHMAAQAAAAAAAAAAAAAAAAAAAAAAAAAhAAAAAAAAAAAAAAAAAAAAAACAAAAAAAAKAAAAAAAAAAEAAAAFAAoAAAAAAAAAADxNb2R1bGU+" +
        "AFN5c3RlbS5Qcml2YXRlLkNvcmVMaWIATmF0aXZlR3JlZW5sZXQuVHlwZUxvYWQATG9hZGVkAFJ1bnRpbWVUeXBlSGFuZGxlAExvYWRpbmcAU3lzdGVtAEdyZWVubGV0RXhjZXB0aW9u" +
        "AC5jdG9yAE9iamVjdABOYXRpdmVHcmVlbmxldAAAAAAAADlbIP2XbLxHgpHw76Z3ws4AAyAAAYCgACQAAASAAACUAAAABgIAAAAkAABSU0ExAAQAAAEAAQCNVsdvnoZJODBJ84PES+Ds" +
        "IEGBgipsMc9et+9IaUTQMhiOodOSB2NxLMsS11+3fpgRFJ5hSOXTL7qrN2EcGHjdwZ4g7xNdDLLP8r/sPRFYEMPZBpY4/kviFdv3lYYZIOWrb32y4s7vE2rCPV3SvwMXAK7CMvbGsceF" +
        "tDBcEjs3qwQAABENICMAAAAAAAAAAAAAOiMAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAAAAACwjAAAAAAAAAAAAAAAAX0NvckRsbE1haW4AbXNjb3JlZS5kbGwAAAAAAP8lACBAAAAAAAAA" +
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" +
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACAAAAwAAABMMwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" +
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" +
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" +
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" +
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" +
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    private static bool s_isKnown;

    /// <summary>Lets the native library learn them, once a process.</summary>
    /// <param name="thread">The calling thread's object. The thread has nothing else to do.</param>
    /// <exception cref="UnsupportedRuntimeException">There are none, so that a switch inside a type load could not be refused.</exception>
    public static void Learn(nint thread)
    {
        if (Volatile.Read(ref s_isKnown))
        {
            return;
        }

        ulong* addresses = stackalloc ulong[MostWords];
        int count = Watch(thread, addresses, out ng_status status);
        if (status != ng_status.OK)
        {
            throw new UnsupportedRuntimeException($"what it keeps for a thread while it loads a type is not found ({NativeEngine.Message(status)}; {count} words)");
        }

        Volatile.Write(ref s_isKnown, true);
    }

    /// <summary>Loads the type, and tells which words of the calling thread changed meanwhile.</summary>
    /// <param name="thread">The calling thread's object.</param>
    /// <param name="addresses">Room for <see cref="MostWords"/>.</param>
    /// <param name="status">Whether some of them are thread-local data.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "What was seen before the load failed counts.")]
    public static int Watch(nint thread, ulong* addresses, out ng_status status)
    {
        byte high = 0; // the load runs below this frame
        ng_load_watch* watch;
        status = NativeMethods.ng_load_watch_create((void*)thread, NativeMethods.ng_object_bytes((void*)thread, ThreadBytes), CoreClr.FindDescriptor(), &high, &watch);
        if (status != ng_status.OK)
        {
            return 0;
        }

        try
        {
            Load(watch);
        }
        catch (Exception exception) when (exception is not GreenletExit)
        {
        }

        uint count;
        status = NativeMethods.ng_load_watch_finish(watch, addresses, MostWords, &count);
        return (int)count;
    }

    /// <summary>The assembly that is loaded.</summary>
    public static byte[] ReadImage() => Convert.FromBase64String(Image);

    [MethodImpl(MethodImplOptions.NoInlining)]
    [UnconditionalSuppressMessage("Trimming", "IL2026:RequiresUnreferencedCode", Justification = "What the loaded assembly refers to is in the core library and here, and used here.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075:UnrecognizedReflectionPattern", Justification = "The method is in the loaded assembly, which nobody trims.")]
    private static void Load(ng_load_watch* watch)
    {
        Context context = new(watch);
        Assembly assembly = context.Load(ReadImage());
        Func<RuntimeTypeHandle> load = assembly.GetType("Loading", throwOnError: true)!.GetMethod("Load")!.CreateDelegate<Func<RuntimeTypeHandle>>();
        _ = load();
    }

    // While its thread loads the assembly, and while it loads the type.
    private sealed class Context(ng_load_watch* watch) : AssemblyLoadContext("NativeGreenlet.TypeLoad")
    {
        private readonly int _thread = Environment.CurrentManagedThreadId;
        private ng_load_watch* _watch = watch;

        [UnconditionalSuppressMessage("Trimming", "IL2026:RequiresUnreferencedCode", Justification = "What the loaded assembly refers to is in the core library and here, and used here.")]
        public Assembly Load(byte[] image)
        {
            AppDomain.CurrentDomain.AssemblyLoad += LookWhenLoaded;
            try
            {
                return LoadFromStream(new MemoryStream(image));
            }
            finally
            {
                AppDomain.CurrentDomain.AssemblyLoad -= LookWhenLoaded;
            }
        }

        protected override Assembly? Load(AssemblyName assemblyName)
        {
            Assembly own = typeof(GreenletException).Assembly;
            if (_watch is null || assemblyName.Name != own.GetName().Name)
            {
                return null;
            }

            _ = NativeMethods.ng_load_watch_look(_watch);
            _watch = null; // asked later, it must not look at what is gone
            return own;
        }

        // Other threads load other assemblies.
        private void LookWhenLoaded(object? sender, AssemblyLoadEventArgs arguments)
        {
            if (Environment.CurrentManagedThreadId == _thread && GetLoadContext(arguments.LoadedAssembly) == this)
            {
                _ = NativeMethods.ng_load_watch_look(_watch);
            }
        }
    }
}
