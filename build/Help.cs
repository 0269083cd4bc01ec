namespace NativeGreenlet.Build;

/// <summary>What <c>help</c> prints.</summary>
internal static class Help
{
    private static readonly string s_tools = OperatingSystem.IsWindows()
        ? "Missing tools are installed through winget or Chocolatey when that needs no question (an elevated prompt)."
        : "Missing tools are installed through the system's package manager when that needs no question.";

    /// <summary>The text.</summary>
    public static string Text { get; } = $"""
        usage: ./{Surroundings.Script} [verb] [arguments]

          build             the native library and everything managed, Release (what no verb does)
          test              all that guards correctness, the core and hubs on every backend: ctest and xunit
          test NAME...      only the tests of these classes, methods, folders or C tests; builds only what has them
          test [args]       only what a filter says, as dotnet test has it: --filter 'FullyQualifiedName~Part'
          test full         everything: test, and long stress, fuzzing, publishing, tools, checks of C, other runtimes
          demo              build and run the demo
          native [--all]    only the C library, Release; --all: Release and Debug, with ctest in both
          stress [args]     build and run the stress program (--help lists its arguments)
          stress matrix     the stress program in every configuration of the collector; --seconds N: each
          fuzz [args]       build and run the fuzzer (--minutes N; --help lists its arguments)
          bench [args]      build and run the benchmarks, all or what BenchmarkDotNet's arguments say: --filter '*Switch*',
                            --list flat, --job short (all in 6 minutes), --job dry (in one)
          bench tables      all benchmarks, short, into bench/results/benchmarks.md
          bench native      the C library's contexts against Boost.Context; bench peers: other languages; bench strategies:
                            segments and slices by number and depth; bench servers: servers under load, against async, threads, gevent;
                            bench blocking: a server whose code blocks: on the thread pool, woven, parked, rewritten as async;
                            bench engines akka, bench engines orleans: actors in blocking style against async and blocking ones
          check [part]      the C library under sanitizers, analysers, fuzzers, with coverage (Linux; check help lists the parts)
          check PLATFORM    arm64, musl, macos, windows, package: docs/platforms.md
          check site        the pages of docs in headless Chromium, in light, dark and narrow: what overflows, broken links, contrast
          try-runtime V     says in ten minutes whether the library works on .NET V, a preview for example
          pack              packages, with the native library of every platform there is a compiler for: artifacts/packages
          docs              the guides and the API reference as pages, with docfx: artifacts/docs/site
          bindings          generate src/NativeGreenlet/Interop/NativeMethods.g.cs from the C header
          clean             remove artifacts/, where everything that is built lies
          help              this text

        test, demo, stress, fuzz and bench take --runtime VERSION: they run on that .NET (11.0.0), which is laid out in
        artifacts/runtimes from its packages. {s_tools}
        Environment: CC (the C compiler), NG_GENERATOR (CMake's generator for a new build tree),
        NG_BINDINGS_GENERATOR (a ClangSharpPInvokeGenerator that is already on this machine),
        NG_BINDINGS_RESOURCES (the directory whose include/ has the compiler's own headers, for the bindings).

        """;
}
