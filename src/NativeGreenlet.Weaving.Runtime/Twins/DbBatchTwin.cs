using System.Data;
using System.Data.Common;
using System.Diagnostics;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="DbBatch"/> and of every class that derives from it in woven code: outside a hub they do the same, inside one they park the
/// task, by the asynchronous methods.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(DbBatch))]
[StackTraceHidden]
public static class DbBatchTwin
{
    public static int ExecuteNonQuery(DbBatch self) => Databases.CanPark(self) ? Databases.Run(self, self.ExecuteNonQueryAsync) : self.ExecuteNonQuery();

    public static object? ExecuteScalar(DbBatch self) => Databases.CanPark(self) ? Databases.Run(self, self.ExecuteScalarAsync) : self.ExecuteScalar();

    public static DbDataReader ExecuteReader(DbBatch self, CommandBehavior behavior) =>
        Databases.CanPark(self)
            ? Databases.Run(self, token => self.ExecuteReaderAsync(behavior, token), static late => late.Dispose())
            : self.ExecuteReader(behavior);

    public static void Prepare(DbBatch self)
    {
        if (Databases.CanPark(self))
        {
            Databases.Run(self, self.PrepareAsync);
        }
        else
        {
            self.Prepare();
        }
    }
}
