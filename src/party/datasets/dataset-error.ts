/** Why a dataset cannot be used. The code may go to the peer. */
export type DatasetErrorCode =
  | 'bad_path' // not a plain file path: URL, pattern character, control character, too long
  | 'outside_roots' // leaves the configured roots, by name or through a link
  | 'missing_dataset' // no such file under any root
  | 'not_a_file' // a directory, socket or device
  | 'unreadable' // this process may not read it
  | 'bad_type' // unknown type, or the content is of another type than named
  | 'not_utf8' // a text file in another encoding
  | 'malformed' // breaks the rules of its type; names the row where known
  | 'no_header' // a CSV file whose first row does not name the columns
  | 'duplicate_column' // two columns of one name
  | 'empty' // no rows
  | 'too_large' // needs more memory than the node gives to reading data
  | 'missing_column' // a requested column is not in the file
  | 'bad_selection' // the request's columns contradict each other
  | 'bad_key' // the key column's type has no canonical text
  | 'missing_key' // a row without key
  | 'duplicate_key' // rows with the same key, where the task takes none
  | 'missing_label' // a row without label
  | 'missing_values' // a feature without a single value
  | 'not_numeric' // a value that is no number, in a column that needs numbers
  | 'not_finite' // a number that is not finite
  | 'out_of_range' // a row too far out for the model to score
  | 'not_binary' // a classification label that does not have exactly two known values
  | 'not_class' // a label of several classes that is none of them
  | 'too_many_categories' // a categorical feature with more levels than a model should have
  | 'unknown_model' // this node has no part in the model, or not with these parties
  | 'changed'; // not the file that was committed to

/**
 * A dataset that cannot be used as asked. The message names the dataset as the request named it,
 * the column and the row, never a value or a path of this machine, so it may be shown to every
 * party. It has no `cause`: the database's own errors quote the line they fail on.
 */
export class DatasetError extends Error {
  readonly code: DatasetErrorCode;

  constructor(code: DatasetErrorCode, message: string) {
    super(message);
    this.name = 'DatasetError';
    this.code = code;
  }
}
