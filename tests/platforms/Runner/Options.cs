using System.Globalization;

namespace NativeGreenlet.Runner;

/// <summary>What to run, and how.</summary>
internal sealed class Options
{
    public const string Help = """
        usage: NativeGreenlet.Runner [options] ASSEMBLY...
               NativeGreenlet.Runner exec ASSEMBLY [arguments]

          --include TEXT      only tests whose name (namespace.class.method) contains this; several: any of them
          --exclude TEXT      not those whose name, or whose name with its arguments, contains this; several: none of them
          --apart             each class in a process of its own, so that one which crashes costs its class only
          --patience SECONDS  with --apart: when to end the process of a class in which no test begins any more (600)
          --attempts N        with --apart: a class that crashed or hung is run again, until it has been N times (1)
          --results FOLDER    with --apart: keeps there what each class ended with; what has ended well is not run again
          --names             prints the name of each test before it runs, behind "TEST "
          --list              only print the names of the classes

        Assemblies lie beside the runner. Prints each failure, and at last "N passed, N failed, N skipped". Children of
        tests are started through DOTNET_HOST_PATH; if that is not set, through this program (exec).
        """;

    /// <summary>What stands before the name of a test that is about to run.</summary>
    public const string TestMark = "TEST ";

    private Options()
    {
    }

    public List<string> Assemblies { get; } = [];

    public List<string> Included { get; } = [];

    public List<string> Excluded { get; } = [];

    public bool Apart { get; private set; }

    /// <summary>Whether the names of tests are printed before they run.</summary>
    public bool NamesTests { get; private set; }

    public bool ListsOnly { get; private set; }

    public TimeSpan Patience { get; private set; } = TimeSpan.FromMinutes(10);

    public int Attempts { get; private set; } = 1;

    /// <summary>Where the results of classes are kept; null if they are not.</summary>
    public string? Results { get; private set; }

    /// <exception cref="FormatException">They make no sense.</exception>
    public static Options Parse(string[] arguments)
    {
        Options options = new();
        Queue<string> rest = new(arguments);
        while (rest.TryDequeue(out string? argument))
        {
            switch (argument)
            {
                case "--include":
                    options.Included.Add(Value());
                    break;
                case "--exclude":
                    options.Excluded.Add(Value());
                    break;
                case "--apart":
                    options.Apart = true;
                    break;
                case "--names":
                    options.NamesTests = true;
                    break;
                case "--list":
                    options.ListsOnly = true;
                    break;
                case "--patience":
                    options.Patience = TimeSpan.FromSeconds(int.Parse(Value(), CultureInfo.InvariantCulture));
                    break;
                case "--attempts":
                    options.Attempts = int.Parse(Value(), CultureInfo.InvariantCulture);
                    break;
                case "--results":
                    options.Results = Directory.CreateDirectory(Value()).FullName;
                    break;
                default:
                    options.Assemblies.Add(argument.StartsWith('-') ? throw new FormatException($"There is no option {argument}.") : argument);
                    break;
            }

            string Value() => rest.TryDequeue(out string? value) ? value : throw new FormatException($"{argument} needs a value.");
        }

        return options.Assemblies.Count > 0 ? options : throw new FormatException("No assembly was named.");
    }

    /// <summary>Whether a test of this full name, or of this name with its arguments, is to run.</summary>
    public bool Wants(string name) =>
        (Included.Count == 0 || Included.Exists(text => name.Contains(text, StringComparison.Ordinal)))
        && !Excluded.Exists(text => name.Contains(text, StringComparison.Ordinal));
}
