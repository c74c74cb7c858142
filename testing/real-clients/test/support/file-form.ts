/** Makes a form with a title and a file, as a browser does. */
export function fileForm(title: string): FormData {
  const form = new FormData();
  form.append("title", title);
  form.append("file", new File(["a,b\r\n1,2"], "a.csv", { type: "text/csv" }));
  return form;
}
