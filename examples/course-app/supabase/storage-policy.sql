-- The gate that counts: whatever the app shows or hides, a file of this private bucket goes only to
-- somebody who may use its course now. Files are named <slug>/<file>: standard_course/welcome.mp4.
--
-- Run it once in the SQL editor, after the migrations. `VITE_BUCKET=courses` makes the app show the
-- films. A signed URL works until its time is over, also after a refund: keep it short.

insert into storage.buckets (id, name, public)
values ('courses', 'courses', false)
on conflict (id) do nothing;

create policy "customers read the files of their courses"
on storage.objects for select to authenticated
using (
    bucket_id = 'courses'
    and public.has_access((storage.foldername(name))[1])
);
